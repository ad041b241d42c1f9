import Graphs
import Kernels
import Tensors

/// How scales lie over a tensor: the attributes that QuantizeLinear and DequantizeLinear share.
public struct QuantScales: Hashable, Sendable {
  public var axis: Int
  /// Elements along the axis that share a scale; 0 for one scale an index, or one for all.
  public var block: Int

  public init(axis: Int = 1, block: Int = 0) {
    self.axis = axis
    self.block = block
  }
  init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: 1)
    block = try a.int("block_size", default: 0)
    guard block >= 0 else {
      throw EngineError(
        .attribute, "attribute 'block_size' is negative", expected: "0 or more",
        received: "\(block)")
    }
  }
  var attributes: [Attribute] {
    var list: [Attribute] = []
    if axis != 1 { list.append(.int("axis", axis)) }
    if block != 0 { list.append(.int("block_size", block)) }
    return list
  }
  static let specs: [AttributeSpec] = [
    AttributeSpec(
      "axis", .int, "the axis that scales run along, -rank to rank - 1; default 1", since: 13),
    AttributeSpec(
      "block_size", .int, "elements along the axis that share a scale; default 0: no blocks",
      since: 21),
  ]

  /// A dtype attribute whose default, 0, means none.
  static func dtype(_ a: AttributeReader, _ name: String) throws(EngineError) -> DType? {
    try a.int(name, default: 0) == 0 ? nil : a.dtype(name, default: .float32)
  }

  /// The scales of each element of a tensor of shape `x`.
  ///
  /// Errors: `.shape` where scales or zero points do not fit, `.attribute` for an axis out of range.
  func rows(_ x: Shape, scale: Shape, zero: Shape?) throws(EngineError) -> QuantRows {
    if let zero, zero.count != scale.count {
      throw EngineError(
        .shape, "the zero points have another shape than the scales", expected: "\(scale)",
        received: "\(zero)")
    }
    if scale.rank == 0 || block == 0 && scale.rank == 1 && scale.count == 1 {
      return QuantRows(tensor: x.count)
    }
    guard x.rank > 0 else {
      throw EngineError(
        .shape, "a scalar has one scale", expected: "shape []", received: "\(scale)")
    }
    // The axis plays no part where there is only one.
    let at = x.rank == 1 ? 0 : try normalisedAxis(axis, rank: x.rank)
    let (outer, n, inner) = (
      x.count(of: 0..<at), x[at], x.count(of: at + 1..<x.rank)
    )
    if block == 0 {
      guard scale.rank == 1, scale[0] == n else {
        throw EngineError(
          .shape, "the scales do not fit axis \(at) of \(x)", expected: "[] or [\(n)]",
          received: "\(scale)")
      }
      return QuantRows(axisOf: outer, n, inner)
    }
    let blocks = n / block + (n % block == 0 ? 0 : 1)
    let wanted = Shape(rank: x.rank) { $0 == at ? blocks : x[$0] }
    guard scale == wanted else {
      throw EngineError(
        .shape, "the scales do not fit blocks of \(block) along axis \(at) of \(x)",
        expected: "\(wanted)", received: "\(scale)")
    }
    return QuantRows(blocksOf: outer, n, inner, block: block)
  }
}
