/// The sizes of a layer's input or output along its axes, the batch included: nil where a size is
/// not known before there is data.
///
/// ```swift
/// let image: LayerShape = [nil, 3, 32, 32]
/// ```
public struct LayerShape: Hashable, Sendable, ExpressibleByArrayLiteral {
  public var sizes: [Int?]

  public init(_ sizes: [Int?]) { self.sizes = sizes }
  public init(arrayLiteral sizes: Int?...) { self.sizes = sizes }
  /// A batch of any number of things of these sizes.
  public init(batchOf sizes: [Int?]) { self.sizes = [nil] + sizes }

  public var rank: Int { sizes.count }
  /// The size along an axis; negative ones count from the end. Nil where it is not known.
  public subscript(axis: Int) -> Int? {
    get {
      let i = axis < 0 ? sizes.count + axis : axis
      return sizes.indices.contains(i) ? sizes[i] : nil
    }
    set {
      let i = axis < 0 ? sizes.count + axis : axis
      if sizes.indices.contains(i) { sizes[i] = newValue }
    }
  }
  /// The number of elements behind the batch axis; nil where a size is not known.
  public var elementsPerSample: Int? {
    var n = 1
    for size in sizes.dropFirst() {
      guard let size else { return nil }
      n *= size
    }
    return n
  }
  /// Whether a tensor of these sizes is one of this shape.
  public func fits(_ other: LayerShape) -> Bool {
    guard sizes.count == other.sizes.count else { return false }
    for (a, b) in zip(sizes, other.sizes) { if let a, let b, a != b { return false } }
    return true
  }
}

extension LayerShape: CustomStringConvertible {
  public var description: String {
    let parts = sizes.enumerated().map { i, n in n.map { "\($0)" } ?? (i == 0 ? "batch" : "?") }
    return "[\(parts.joined(separator: ", "))]"
  }
}
