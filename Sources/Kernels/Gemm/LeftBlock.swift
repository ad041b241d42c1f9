/// Rows of the left factor that one block of a product reads: where they lie, or in packed strips.
struct LeftBlock {
  /// The first row's first element.
  private let base: UnsafeRawPointer
  /// Elements between rows and between steps of the sum; for packed strips a step is their width.
  private let row: Int
  private let step: Int
  private let top: Int
  private let bottom: Int
  /// Strips of the whole factor, those of this block, and rows of the factor; nil for rows in
  /// place.
  private let packed: (strips: Int, first: Int, until: Int, rows: Int)?
  /// Elements of a strip for each of its rows, and where its sum starts.
  private let depth: Int
  private let offset: Int

  /// Rows `top..<bottom` in place.
  init(base: UnsafeRawPointer, row: Int, step: Int, top: Int, bottom: Int) {
    self.base = base
    self.row = row
    self.step = step
    self.top = top
    self.bottom = bottom
    (packed, depth, offset) = (nil, 0, 0)
  }

  /// Strips `first..<until` of the `strips` that `rows` rows fall into, `[depth][rows of a strip]`
  /// each, the first of them at `base`; the sum starts at `offset` of them.
  init(
    base: UnsafeRawPointer, strips: Int, of rows: Int, first: Int, until: Int, depth: Int,
    offset: Int
  ) {
    self.base = base
    (row, step) = (1, 0)
    top = first * rows / strips
    bottom = until * rows / strips
    packed = (strips, first, until, rows)
    self.depth = depth
    self.offset = offset
  }

  /// Tiles that the rows fall into for a panel of `width` columns; their sizes differ by one at
  /// most.
  func strips(_ kernel: GemmKernel, width: Int, _ byteSize: Int) -> Int {
    if let packed { return packed.until - packed.first }
    let most = kernel.rows(width: width, rowBytes: row * byteSize)
    return (bottom - top + most - 1) / most
  }

  /// The first row of tile `s` and their number; where they lie, and the distances of rows and
  /// steps.
  func strip(_ s: Int, of strips: Int, _ byteSize: Int) -> (
    first: Int, count: Int, address: UnsafeRawPointer, row: Int, step: Int
  ) {
    if let packed {
      let strip = packed.first + s
      let r0 = strip * packed.rows / packed.strips
      let width = (strip + 1) * packed.rows / packed.strips - r0
      return (
        r0, width, base + ((r0 - top) * depth + offset * width) * byteSize, 1, width
      )
    }
    let count = bottom - top
    let (r0, r1) = (s * count / strips, (s + 1) * count / strips)
    return (top + r0, r1 - r0, base + r0 * row * byteSize, row, step)
  }
}
