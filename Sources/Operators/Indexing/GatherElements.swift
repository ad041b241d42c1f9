import Graphs
import Kernels
import Tensors

/// Elements of a tensor, one for each index: along `axis` at the index, else at its own place.
///
/// - Formula, for axis 1 of 3: `output[i, j, k] = data[i, indices[i, j, k], k]`.
/// - `data`: any dtype of whole bytes, or strings; rank from 1. `indices`: int32 or int64, the same
///   rank, no longer than `data` along the other axes, -size to size - 1. `axis`: default 0.
/// - Errors: `.value` for an index out of range, `.shape` for shapes that do not fit.
/// - Gradient: the upstream added up at the places it came from.
/// - Source: ONNX GatherElements 11, 13.
public struct GatherElements: Operator {
  public let axis: Int

  public static let schema = Schema(
    "GatherElements", versions: [11, 13],
    inputs: [Parameter("data", Expand.types), Parameter("indices", .indices, "Tind")],
    outputs: [Parameter("output", Expand.types)],
    attributes: [AttributeSpec("axis", .int, "the axis to pick along; default 0")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 3], (1...9).map { Float($0) })
      let i = try Tensor(shape: [2, 3], [1, 2, 0, -1, 0, 0] as [Int64])
      return [.init(GatherElements(), [x, i]), .init(GatherElements(axis: 1), [x, i])]
    })

  public init(axis: Int = 0) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: 0)
  }
  public var attributes: [Attribute] { [.int("axis", axis)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), let at = try c.axis(axis, rank: x.count), let i = c.dims(1) {
      try ElementPlaces.check(x, i, axis: at)
    }
    return carryElements(self, c, [Fact(c.dtype(0), c.dims(1))])
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let places = try ElementPlaces(data: x, indices: p.input(1), axis: axis)
    let size = x.dtype.byteSize
    return Prepared(scratchBytes: places.count * 8) { (m) throws(EngineError) in
      let offsets = m.scratch.assumingMemoryBound(to: Int64.self)
      let block = try places.fillBlocks(offsets, from: m.inputs[1]) ?? 1
      if block == 1 {
        let isDone = try places.gather(
          to: m.outputs[0], from: m.inputs[0], indices: m.inputs[1], width: size, pool: m.pool)
        if isDone { return }
        try places.fill(offsets, from: m.inputs[1])
      }
      Blocks.take(
        to: m.outputs[0], from: m.inputs[0], offsets: offsets, count: places.count / block,
        blockBytes: block * size)
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    g.give(
      0,
      try b.apply(
        ScatterElements(axis: axis, reduction: .add), zeros(b, like: x), g.input(1), g.upstream())
    )
  }
}
