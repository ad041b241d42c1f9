import Graphs
import Tensors

/// Sequences of a batch, each with its first elements in reverse order.
///
/// - Formula, for time axis 0: `Y[t, b] = input[t < n[b] ? n[b] - 1 - t : t, b]`.
/// - `input`: any dtype of whole bytes, or strings; rank from 2. `sequence_lens`: int64 `[batch]`,
///   0 to the size of the time axis.
/// - `time_axis`, `batch_axis`: 0 and 1 (default), or 1 and 0.
/// - Errors: `.value` for a length out of range, `.shape` when shapes do not fit, `.attribute` for
///   the axes.
/// - Gradient: the upstream reversed alike.
/// - Source: ONNX ReverseSequence 10, 28.
public struct ReverseSequence: Operator {
  public let isTimeFirst: Bool

  public static let schema = Schema(
    "ReverseSequence", versions: [10, 28],
    inputs: [Parameter("input", Expand.types), Parameter("sequence_lens", .int64, "")],
    outputs: [Parameter("Y", Expand.types)],
    attributes: [
      AttributeSpec("time_axis", .int, "0 (default) or 1"),
      AttributeSpec("batch_axis", .int, "1 (default) or 0"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 2, 2], (1...12).map { Float($0) })
      return [
        .init(ReverseSequence(), [x, try Tensor([3, 2] as [Int64])]),
        .init(ReverseSequence(isTimeFirst: false), [x, try Tensor([1, 2, 0] as [Int64])]),
      ]
    })

  public init(isTimeFirst: Bool = true) { self.isTimeFirst = isTimeFirst }
  public init(reading a: AttributeReader) throws(EngineError) {
    let time = try a.int("time_axis", default: 0)
    let batch = try a.int("batch_axis", default: 1)
    guard time == 0 && batch == 1 || time == 1 && batch == 0 else {
      throw EngineError(
        .attribute, "time_axis and batch_axis are not legal", expected: "0 and 1, or 1 and 0",
        received: "\(time) and \(batch)")
    }
    isTimeFirst = time == 0
  }
  public var attributes: [Attribute] {
    [.int("time_axis", isTimeFirst ? 0 : 1), .int("batch_axis", isTimeFirst ? 1 : 0)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), let n = c.dims(1) {
      guard x.count >= 2, n.count == 1 else {
        throw EngineError(
          .shape, "the inputs do not fit", expected: "rank from 2 and a list of lengths",
          received: "\(x) and \(n)")
      }
      if let batch = x[isTimeFirst ? 1 : 0].known, let count = n[0].known, batch != count {
        throw EngineError(
          .shape, "sequence_lens has not one length for each sequence", expected: "\(batch)",
          received: "\(count)")
      }
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let time = x.shape[isTimeFirst ? 0 : 1]
    let batch = x.shape[isTimeFirst ? 1 : 0]
    let block = x.shape.count(of: 2..<x.shape.rank) * x.dtype.byteSize
    let timeStep = isTimeFirst ? batch * block : block
    let batchStep = isTimeFirst ? block : time * block
    return Prepared { (m) throws(EngineError) in
      let lengths = m.input(1, Int64.self)
      for b in 0..<batch {
        let n = Int(lengths[b])
        guard n >= 0, n <= time else {
          throw EngineError(
            .value, "the length of sequence \(b) is out of range", expected: "0 to \(time)",
            received: "\(n)")
        }
        for t in 0..<time {
          let from = t < n ? n - 1 - t : t
          (m.outputs[0] + b * batchStep + t * timeStep)
            .copyMemory(from: m.inputs[0] + b * batchStep + from * timeStep, byteCount: block)
        }
      }
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(0, try b.apply(self, g.upstream(), g.input(1)))
  }
}
