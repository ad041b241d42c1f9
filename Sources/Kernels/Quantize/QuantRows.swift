/// Which scale belongs to which element of a tensor: its elements in rows that share a scale, or
/// whose elements have scales in order.
public struct QuantRows: Sendable {
  /// Elements of the tensor.
  public let count: Int
  /// Scales, as many as zero points.
  public let scaleCount: Int
  /// Rows of all elements.
  public let rows: Int
  /// Elements of a row; the last of each `span` may be shorter.
  public let length: Int
  private let perOuter: Int
  private let span: Int
  private let outerScales: Int
  private let rowScales: Int
  private let rowsPerScale: Int
  private let step: Int

  /// One scale for `count` elements.
  public init(tensor count: Int) {
    self.init(
      count: count, scaleCount: 1, outer: count == 0 ? 0 : 1, span: count, length: 4096, (0, 0, 1),
      step: 0)
  }

  /// A scale for each of the `n` along the middle axis of `[outer, n, inner]`.
  public init(axisOf outer: Int, _ n: Int, _ inner: Int) {
    if inner == 1 {
      self.init(
        count: outer * n, scaleCount: n, outer: outer, span: n, length: n, (0, 0, 1), step: 1)
    } else {
      self.init(
        count: outer * n * inner, scaleCount: n, outer: outer, span: n * inner, length: inner,
        (0, 1, 1), step: 0)
    }
  }

  /// A scale for each block of `block` along the middle axis, the last one perhaps shorter.
  public init(blocksOf outer: Int, _ n: Int, _ inner: Int, block: Int) {
    let block = min(block, max(n, 1))
    let blocks = (n + block - 1) / block
    if inner == 1 {
      self.init(
        count: outer * n, scaleCount: outer * blocks, outer: outer, span: n, length: block,
        (blocks, 1, 1), step: 0)
    } else {
      self.init(
        count: outer * n * inner, scaleCount: outer * blocks * inner, outer: outer,
        span: n * inner, length: inner, (blocks * inner, inner, block), step: 1)
    }
  }

  private init(
    count: Int, scaleCount: Int, outer: Int, span: Int, length: Int,
    _ scales: (outer: Int, row: Int, rows: Int), step: Int
  ) {
    self.count = count
    self.scaleCount = scaleCount
    self.span = span
    self.length = max(1, length)
    perOuter = (span + self.length - 1) / self.length
    rows = count == 0 ? 0 : outer * perOuter
    (outerScales, rowScales, rowsPerScale) = scales
    self.step = step
  }

  /// Row `r`: its first element, its length, its first scale, and the distance of the scales of
  /// neighbouring elements, 0 or 1.
  @inline(__always) func row(_ r: Int) -> (start: Int, length: Int, scale: Int, step: Int) {
    let (o, j) = (r / perOuter, r % perOuter)
    let at = j &* length
    return (
      o &* span &+ at, min(length, span - at), o &* outerScales &+ j / rowsPerScale &* rowScales,
      step
    )
  }

  /// Rows that one piece of work takes.
  var rowsPerPiece: Int { max(1, 8192 / length) }
}
