import Graphs
import Tensors

/// The same elements with axes of size 1 put in; shares memory.
///
/// - `data`: any dtype, any shape. `axes`: int64 `[N]`, places in the *result*; an input from
///   opset 13, an attribute before; negative ones count from the result's last axis.
/// - Errors: `.attribute` for an axis out of range or named twice, `.shape` when the result's rank
///   exceeds 8.
/// - Gradient: the upstream under the input's shape.
/// - Source: ONNX Unsqueeze 1, 11, 13 (`axes` an input), 21, 23, 24, 25.
public struct Unsqueeze: Operator {
  /// The axes where they are an attribute.
  public let axes: [Int]?

  public static let schema = Schema(
    "Unsqueeze", versions: [1, 11, 13, 21, 23, 24, 25],
    inputs: [Parameter("data", .all), .optional("axes", .int64, "", shape: true)],
    outputs: [Parameter("expanded", .all)],
    attributes: [AttributeSpec("axes", .ints, "the axes; an input from opset 13", before: 13)],
    inputCounts: [1: 1...1, 13: 2...2],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 2], (1...6).map { Float($0) })
      return [
        .init(Unsqueeze(), [x, try Tensor([0, -1] as [Int64])]), .init(Unsqueeze(axes: [1]), [x]),
      ]
    })

  public init(axes: [Int]? = nil) { self.axes = axes }
  public init(reading a: AttributeReader) throws(EngineError) {
    axes = try a.optionalInts("axes")
    guard axes != nil || a.inputCount != 1 else {
      throw EngineError(.attribute, "required attribute 'axes' is missing")
    }
  }
  public var attributes: [Attribute] { axes.map { [.ints("axes", $0)] } ?? [] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    guard let x = c.dims(0) else { return [Fact(dtype, nil)] }
    guard let given = axes ?? c.ints(1) else {
      guard c.has(1) else { throw EngineError(.arity, "input 1 (axes) is missing") }
      let count = c.dims(1)?.first?.known
      return [Fact(dtype, count.map { c.unknown(rank: x.count + $0) })]
    }
    let rank = x.count + given.count
    guard rank <= Shape.maxRank else {
      throw EngineError(
        .shape, "the rank is too high", expected: "at most \(Shape.maxRank)", received: "\(rank)")
    }
    let added = try normalisedAxes(given, rank: rank)
    var dims: [Dim] = []
    var next = 0
    for axis in 0..<rank {
      if added.contains(axis) {
        dims.append(1)
      } else {
        dims.append(x[next])
        next += 1
      }
    }
    return [Fact(integers: dtype, dims, c.elements(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .view }
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try evaluateView(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) { g.give(0, try reshape(b, g.upstream(), like: g.input(0))) }
}
