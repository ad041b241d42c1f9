import Graphs
import Kernels
import Tensors

/// The input repeated along axes of size 1 until it has the broadcast of its shape and another.
///
/// - `input`: any dtype of whole bytes, or strings; any shape. `shape`: int64 `[rank]`; the two
///   broadcast both ways, so a 1 in `shape` keeps the input's size.
/// - Errors: `.shape` for sizes that do not broadcast or are negative.
/// - Gradient: the upstream summed over the repeated axes.
/// - Source: ONNX Expand 8, 13.
public struct Expand: Operator {
  static let types: DTypes = [.numeric, .bool, .string, .complex]

  public static let schema = Schema(
    "Expand", versions: [8, 13],
    inputs: [Parameter("input", types), Parameter("shape", .int64, "", shape: true)],
    outputs: [Parameter("output", types)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 1], [1, 2, 3] as [Float])
      return [
        .init(Expand(), [x, try Tensor([2, 1, 4] as [Int64])]),
        .init(Expand(), [x, try Tensor([1] as [Int64])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let x = c.dims(0)
    guard let target = c.elements(1) else {
      var rank: Int?
      if let x, let n = c.dims(1)?.first?.known { rank = max(x.count, n) }
      return [Fact(c.dtype(0), rank.map { c.unknown(rank: $0) })]
    }
    for d in target {
      if let n = d.known, n < 0 {
        throw EngineError(.shape, "negative size", received: "\(target)")
      }
    }
    let dims = try broadcast(x, target)
    if let sizes = Fact(nil, dims).dims?.compactMap(\.known), sizes.count == dims?.count {
      _ = try Shape(checking: sizes)
    }
    return carryElements(self, c, [Fact(c.dtype(0), dims)])
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let y = try p.output(0)
    if x.shape == y.shape || x.count == y.count { return .view }
    let strides = x.shape.strides
    let lead = y.shape.rank - x.shape.rank
    let copy = StridedCopy(
      sizes: y.shape.array,
      sourceStrides: (0..<y.shape.rank).map {
        $0 < lead || x.shape[$0 - lead] == 1 ? 0 : strides[$0 - lead]
      },
      targetStrides: y.shape.strides, elementBytes: x.dtype.byteSize, sourceCount: x.count,
      targetCount: y.count)
    return Prepared { m in copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool) }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(0, try unbroadcast(b, g.upstream(), like: g.input(0)))
  }
}
