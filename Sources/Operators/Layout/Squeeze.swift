import Graphs
import Tensors

/// The same elements without some axes of size 1; shares memory.
///
/// - `data`: any dtype, any shape. `axes`: int64 `[N]`, an input from opset 13, an attribute
///   before; negative ones count from the last. Absent: every axis of size 1.
/// - Errors: `.attribute` for an axis out of range or named twice, `.shape` for one whose size is
///   not 1.
/// - Gradient: the upstream under the input's shape.
/// - Source: ONNX Squeeze 1, 11, 13 (`axes` an input), 21, 23, 24, 25.
public struct Squeeze: Operator {
  /// The axes where they are an attribute.
  public let axes: [Int]?

  public static let schema = Schema(
    "Squeeze", versions: [1, 11, 13, 21, 23, 24, 25],
    inputs: [Parameter("data", .all), .optional("axes", .int64, "", shape: true)],
    outputs: [Parameter("squeezed", .all)],
    attributes: [AttributeSpec("axes", .ints, "the axes; an input from opset 13", before: 13)],
    inputCounts: [1: 1...1, 13: 1...2],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 3, 1, 2], (1...6).map { Float($0) })
      return [
        .init(Squeeze(), [x]), .init(Squeeze(), [x, try Tensor([-2] as [Int64])]),
        .init(Squeeze(axes: [0]), [x]),
      ]
    })

  public init(axes: [Int]? = nil) { self.axes = axes }
  public init(reading a: AttributeReader) throws(EngineError) { axes = try a.optionalInts("axes") }
  public var attributes: [Attribute] { axes.map { [.ints("axes", $0)] } ?? [] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    guard let x = c.dims(0) else { return [Fact(dtype, nil)] }
    let dropped: [Int]
    if let given = axes ?? c.ints(1) {
      dropped = try normalisedAxes(given, rank: x.count)
      for axis in dropped {
        if let n = x[axis].known, n != 1 {
          throw EngineError(
            .shape, "axis \(axis) cannot be squeezed", expected: "size 1", received: "\(n) of \(x)")
        }
      }
    } else if c.has(1) {
      let count = c.dims(1)?.first?.known
      return [Fact(dtype, count.flatMap { $0 <= x.count ? c.unknown(rank: x.count - $0) : nil })]
    } else {
      // A symbolic size may turn out to be 1.
      guard x.allSatisfy({ $0.known != nil }) else { return [Fact(dtype, nil)] }
      dropped = x.indices.filter { x[$0].known == 1 }
    }
    let dims = x.indices.filter { !dropped.contains($0) }.map { x[$0] }
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
