import Graphs
import Kernels
import Tensors

/// The axis of Softmax, LogSoftmax and Hardmax, under the rules of its version.
public struct SoftmaxAxis: Hashable, Sendable {
  public var axis: Int
  /// Before opset 13: all axes from `axis` on count as one.
  public var flattens: Bool

  public init(_ axis: Int = -1, flattens: Bool = false) {
    self.axis = axis
    self.flattens = flattens
  }

  init(reading a: AttributeReader) throws(EngineError) {
    flattens = a.opset < 13
    axis = try a.int("axis", default: a.opset < 13 ? 1 : -1)
  }

  var attributes: [Attribute] { axis == -1 ? [] : [.int("axis", axis)] }

  static let specs = [
    AttributeSpec(
      "axis", .int, "-rank to rank - 1; default -1 (before opset 13: 1, and all that follow)")
  ]

  /// The input as `[outer, n, inner]` with the function along `n`.
  ///
  /// Errors: `.attribute` for an axis out of range.
  func split(_ shape: Shape) throws(EngineError) -> (outer: Int, n: Int, inner: Int) {
    let i = try check(rank: shape.rank)
    let outer = shape.count(of: 0..<i)
    if flattens { return (outer, shape.count(of: i..<shape.rank), 1) }
    return (outer, shape[i], shape.count(of: i + 1..<shape.rank))
  }

  /// The axis counted from the front. The flattening form takes the rank itself as well.
  func check(rank: Int) throws(EngineError) -> Int {
    if flattens && axis == rank { return rank }
    return try normalisedAxis(axis, rank: rank)
  }

  /// The axes that are normalised together.
  func folded(rank: Int) throws(EngineError) -> [Int] {
    let i = try check(rank: rank)
    return flattens ? Array(i..<rank) : [i]
  }

  /// Shape rule of all three: the input's.
  func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let rank = c.rank(0) { _ = try check(rank: rank) }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  static func cases<Op: Operator>(_ make: @Sendable (SoftmaxAxis) -> Op) throws -> [Schema.Case] {
    let x = try Tensor(shape: [2, 3, 4], (0..<24).map { Float(($0 * 11) % 24) * 0.17 - 1.5 })
    return [
      .init(make(SoftmaxAxis()), [x]),
      .init(make(SoftmaxAxis(1)), [x]),
      .init(make(SoftmaxAxis(0)), [x]),
    ]
  }
}
