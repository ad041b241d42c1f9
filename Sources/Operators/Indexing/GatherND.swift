import Graphs
import Kernels
import Tensors

/// Slices of a tensor picked by tuples of indices.
///
/// - Formula: `output[b..., i...] = data[b..., indices[b..., i..., :], ...]`.
/// - `data`: any dtype of whole bytes, or strings; rank r from 1. `indices`: int64, rank q from 1;
///   its last axis holds tuples of up to r - batch_dims indices, each -size to size - 1.
/// - `batch_dims`: leading axes that data and indices share; default 0.
/// - Output: `indices.shape[..<q-1] + data.shape[batch_dims+k...]` for tuples of k.
/// - Errors: `.value` for an index out of range, `.shape` for shapes that do not fit.
/// - Gradient: the upstream added up at the places it came from.
/// - Source: ONNX GatherND 11, 12 (`batch_dims`), 13.
public struct GatherND: Operator {
  public let batchAxes: Int

  public static let schema = Schema(
    "GatherND", versions: [11, 12, 13],
    inputs: [Parameter("data", Expand.types), Parameter("indices", .int64, "")],
    outputs: [Parameter("output", Expand.types)],
    attributes: [AttributeSpec("batch_dims", .int, "leading axes in common; default 0", since: 12)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 2], (1...8).map { Float($0) })
      return [
        .init(GatherND(), [x, try Tensor(shape: [2, 2], [0, 1, 1, -2] as [Int64])]),
        .init(GatherND(batchAxes: 1), [x, try Tensor(shape: [2, 1], [1, 0] as [Int64])]),
      ]
    })

  public init(batchAxes: Int = 0) { self.batchAxes = batchAxes }
  public init(reading a: AttributeReader) throws(EngineError) {
    batchAxes = try a.int("batch_dims", default: 0)
  }
  public var attributes: [Attribute] { [.int("batch_dims", batchAxes)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0), let i = c.dims(1),
      let depth = try TuplePlaces.depth(x, i, batchAxes: batchAxes)
    else { return [Fact(c.dtype(0), nil)] }
    let dims = Array(i.dropLast()) + Array(x[(batchAxes + depth)...])
    try checkSizes(dims)
    return carryElements(self, c, [Fact(c.dtype(0), dims)])
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let places = try TuplePlaces(data: p.input(0), indices: p.input(1), batchAxes: batchAxes)
    return Prepared(scratchBytes: places.count * 8) { (m) throws(EngineError) in
      let offsets = m.scratch.assumingMemoryBound(to: Int64.self)
      try places.fill(offsets, from: m.inputs[1])
      Blocks.take(
        to: m.outputs[0], from: m.inputs[0], offsets: offsets, count: places.count,
        blockBytes: places.sliceBytes)
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try scatterBack(b, self, &g)
  }
}
