/// Rows of an image that are wanted soon, for kernels that bring memory closer while they compute.
struct MemoryAhead {
  private var image: UnsafeRawPointer?
  private var blocks = 0
  /// Stretches of a block, bytes of each, and from one to the next, in a block and of blocks.
  private var stretches = 0
  private var bytes = 0
  private var step = 0
  private var blockStep = 0

  init() {}

  /// What tiles of Winograd's algorithm meet of an image.
  ///
  /// - `image`: `[blocks, height, width, lanes]`, of which `size` is `[1, height, width]`.
  /// - `border`: rows and columns that a tile reads beyond those that it writes.
  init(
    _ image: UnsafePointer<Float>, tiles: Range<Int>, of plan: BlockedWinogradPlan, size: [Int],
    blocks: Int, border: Int
  ) {
    let (high, wide) = (plan.form.height.outputs, plan.form.width.outputs)
    let columns = plan.columns
    let pixel = plan.lanes * 4
    let (height, width) = (size[1], size[2])
    let (low, last) = (tiles.lowerBound / columns, (tiles.upperBound - 1) / columns)
    // The first rows were read with the tiles above.
    let top = low == 0 ? 0 : min(low * high + border, height)
    let rows = min((last + 1) * high + border, height) - top
    let isPart = low == last
    let left = isPart ? min(tiles.lowerBound % columns * wide, width) : 0
    let right = isPart ? min(((tiles.upperBound - 1) % columns + 1) * wide + border, width) : width
    guard rows > 0, left < right else { return }
    self.image = UnsafeRawPointer(image) + (top * width + left) * pixel
    self.blocks = blocks
    // Rows of which nothing is left out follow each other.
    let isWhole = left == 0 && right == width
    stretches = isWhole ? 1 : rows
    bytes = (isWhole ? rows * width : right - left) * pixel
    step = width * pixel
    blockStep = height * width * pixel
  }

  /// What to fetch in step `index` of `count`.
  func part(_ index: Int, of count: Int) -> (start: UnsafeRawPointer?, bytes: Int) {
    guard let image, count > 0 else { return (nil, 0) }
    let all = blocks * stretches
    // Several steps share a stretch; where there are more stretches than steps the rest waits.
    let shares = max(1, count / all)
    let (stretch, share) = (index / shares, index % shares)
    guard stretch < all else { return (nil, 0) }
    let each = (bytes / shares + 63) & ~63
    let from = share * each
    guard from < bytes else { return (nil, 0) }
    let start = image + stretch / stretches * blockStep + stretch % stretches * step + from
    return (start, min(each, bytes - from))
  }
}
