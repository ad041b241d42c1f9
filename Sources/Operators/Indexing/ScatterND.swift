import Graphs
import Kernels
import Tensors

/// A tensor with some slices replaced or folded at tuples of indices.
///
/// - Formula: `output[indices[i..., :], ...] = f(.., updates[i..., ...])`.
/// - `data`: any dtype of whole bytes, or strings; rank r from 1. `indices`: int64, rank q from 1;
///   its last axis holds tuples of k up to r indices, each -size to size - 1. `updates`: data's
///   dtype, shape `indices.shape[..<q-1] + data.shape[k...]`.
/// - `reduction`: none (default; the last update of a place wins), add, mul (opset 16), max, min
///   (18); in row-major order of the tuples. Complex numbers and strings take none.
/// - Errors: `.value` for an index out of range, `.shape` for shapes that do not fit.
/// - Gradient: of all reductions; see `scatterGradient`.
/// - Source: ONNX ScatterND 11, 13, 16, 18.
public struct ScatterND: Operator {
  public let reduction: ScatterReduction

  public static let schema = Schema(
    "ScatterND", versions: [11, 13, 16, 18],
    inputs: [
      Parameter("data", Expand.types), Parameter("indices", .int64, ""),
      Parameter("updates", Expand.types),
    ],
    outputs: [Parameter("output", Expand.types)],
    attributes: [
      AttributeSpec("reduction", .string, "none (default), add, mul, max or min", since: 16)
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 2], (1...6).map { Float($0) })
      let i = try Tensor(shape: [2, 1], [2, -3] as [Int64])
      let u = try Tensor(shape: [2, 2], [1.5, 2.5, 3.5, 4.25] as [Float])
      return [
        .init(ScatterND(), [x, i, u]), .init(ScatterND(reduction: .add), [x, i, u]),
        .init(ScatterND(reduction: .mul), [x, i, u]), .init(ScatterND(reduction: .max), [x, i, u]),
      ]
    })

  public init(reduction: ScatterReduction = .none) { self.reduction = reduction }
  public init(reading a: AttributeReader) throws(EngineError) {
    reduction = try ScatterReduction(a)
  }
  public var attributes: [Attribute] { [.string("reduction", reduction.rawValue)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let facts = [Fact(c.dtype(0), c.dims(0))]
    if let x = c.dims(0), let i = c.dims(1),
      let depth = try TuplePlaces.depth(x, i, batchAxes: 0), let u = c.dims(2)
    {
      let want = Array(i.dropLast()) + Array(x[depth...])
      guard u.count == want.count,
        zip(u, want).allSatisfy({ $0.known == nil || $1.known == nil || $0 == $1 })
      else {
        throw EngineError(
          .shape, "the updates do not fit data and indices", expected: "\(want)", received: "\(u)")
      }
    }
    return reduction == .none ? carryElements(self, c, data: [0, 2], facts) : facts
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard reduction == .none || ScatterReduce.supports(x.dtype, reduction.operation) else {
      throw p.noKernel()
    }
    let places = try TuplePlaces(data: x, indices: p.input(1))
    let copy = StridedCopy(copying: x.count, elementBytes: x.dtype.byteSize)
    return Prepared(scratchBytes: places.count * 8) { (m) throws(EngineError) in
      let offsets = m.scratch.assumingMemoryBound(to: Int64.self)
      try places.fill(offsets, from: m.inputs[1])
      copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool)
      scatter(
        reduction, x.dtype, on: m.outputs[0], offsets: offsets, updates: m.inputs[2],
        count: places.count, blockElements: places.sliceElements)
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try scatterStrings(self, reduction, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let indices = try g.input(1)
    try scatterGradient(
      b, &g, reduction,
      scatter: { (r, data, updates) throws(EngineError) in
        try b.apply(ScatterND(reduction: r), data, indices, updates)
      },
      gather: { (data) throws(EngineError) in
        try b.apply(GatherND(), data, indices)
      })
  }
}
