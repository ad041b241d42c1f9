import Graphs
import Kernels
import Tensors

/// A tensor with some elements replaced or folded: each update goes to its own place, but along
/// `axis` to its index.
///
/// - Formula, for axis 1 of 3: `output[i, indices[i, j, k], k] = f(.., updates[i, j, k])`.
/// - `data`: any dtype of whole bytes, or strings; rank from 1. `indices`: int32 or int64, the same
///   rank, -size to size - 1. `updates`: data's dtype, the shape of `indices`.
/// - `axis`: default 0. `reduction`: none (default; the last update of a place wins), add, mul (opset
///   16), max, min (18); in row-major order of the updates. Complex numbers and strings take none.
/// - Errors: `.value` for an index out of range, `.shape` for shapes that do not fit.
/// - Gradient: of all reductions; see `scatterGradient`.
/// - Source: ONNX ScatterElements 11, 13, 16, 18.
public struct ScatterElements: Operator {
  public let axis: Int
  public let reduction: ScatterReduction

  public static let schema = Schema(
    "ScatterElements", versions: [11, 13, 16, 18],
    inputs: [
      Parameter("data", Expand.types), Parameter("indices", .indices, "Tind"),
      Parameter("updates", Expand.types),
    ],
    outputs: [Parameter("output", Expand.types)],
    attributes: [
      AttributeSpec("axis", .int, "the axis of the indices; default 0"),
      AttributeSpec("reduction", .string, "none (default), add, mul, max or min", since: 16),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 3], (1...9).map { Float($0) })
      let i = try Tensor(shape: [2, 3], [1, 0, 2, -3, 2, 1] as [Int64])
      let u = try Tensor(shape: [2, 3], [1.5, 2.5, 3.5, 4.25, 5.25, 6.25] as [Float])
      return [
        .init(ScatterElements(), [x, i, u]),
        .init(ScatterElements(axis: 1, reduction: .add), [x, i, u]),
        .init(ScatterElements(axis: 1, reduction: .mul), [x, i, u]),
        .init(ScatterElements(axis: 1, reduction: .min), [x, i, u]),
      ]
    })

  public init(axis: Int = 0, reduction: ScatterReduction = .none) {
    self.axis = axis
    self.reduction = reduction
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: 0)
    reduction = try ScatterReduction(a)
  }
  public var attributes: [Attribute] {
    [.int("axis", axis), .string("reduction", reduction.rawValue)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), let at = try c.axis(axis, rank: x.count), let i = c.dims(1) {
      try ElementPlaces.check(x, i, axis: at)
      if let u = c.dims(2) {
        guard u.count == i.count,
          zip(u, i).allSatisfy({ $0.known == nil || $1.known == nil || $0 == $1 })
        else {
          throw EngineError(
            .shape, "updates have another shape than indices", expected: "\(i)", received: "\(u)")
        }
      }
    }
    let facts = [Fact(c.dtype(0), c.dims(0))]
    return reduction == .none ? carryElements(self, c, data: [0, 2], facts) : facts
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard reduction == .none || ScatterReduce.supports(x.dtype, reduction.operation) else {
      throw p.noKernel()
    }
    let places = try ElementPlaces(data: x, indices: p.input(1), axis: axis)
    let copy = StridedCopy(copying: x.count, elementBytes: x.dtype.byteSize)
    return Prepared(scratchBytes: places.count * 8) { (m) throws(EngineError) in
      let offsets = m.scratch.assumingMemoryBound(to: Int64.self)
      let block = try places.fillBlocks(offsets, from: m.inputs[1]) ?? 1
      if block == 1 { try places.fill(offsets, from: m.inputs[1]) }
      copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool)
      scatter(
        reduction, x.dtype, on: m.outputs[0], offsets: offsets, updates: m.inputs[2],
        count: places.count / block, blockElements: block)
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
        try b.apply(ScatterElements(axis: axis, reduction: r), data, indices, updates)
      },
      gather: { (data) throws(EngineError) in
        try b.apply(GatherElements(axis: axis), data, indices)
      })
  }
}
