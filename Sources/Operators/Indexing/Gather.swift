import Graphs
import Kernels
import Tensors

/// Slices of a tensor picked by index along an axis.
///
/// - Formula: `output[a..., i..., b...] = data[a..., indices[i...], b...]`.
/// - `data`: any dtype of whole bytes, or strings; rank from 1. `indices`: int32 or int64, any
///   shape, -size to size - 1. `axis`: default 0.
/// - Output: data's axes before `axis`, then those of `indices`, then data's axes behind `axis`.
/// - Errors: `.value` for an index out of range, `.attribute` for `axis`.
/// - Gradient: the upstream added up at the places it came from.
/// - Source: ONNX Gather 1, 11, 13.
public struct Gather: Operator {
  public let axis: Int

  public static let schema = Schema(
    "Gather", versions: [1, 11, 13],
    inputs: [Parameter("data", Expand.types), Parameter("indices", .indices, "Tind")],
    outputs: [Parameter("output", Expand.types)],
    attributes: [AttributeSpec("axis", .int, "the axis to pick along; default 0")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 4], (1...12).map { Float($0) })
      return [
        .init(Gather(), [x, try Tensor(shape: [2, 2], [0, 2, 1, -1] as [Int64])]),
        .init(Gather(axis: 1), [x, try Tensor(scalar: -2 as Int32)]),
      ]
    })

  public init(axis: Int = 0) { self.axis = axis }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: 0)
  }
  public var attributes: [Attribute] { [.int("axis", axis)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0), let at = try c.axis(axis, rank: x.count) else {
      return [Fact(c.dtype(0), nil)]
    }
    guard let indices = c.dims(1) else { return [Fact(c.dtype(0), nil)] }
    let dims = Array(x[..<at]) + indices + Array(x[(at + 1)...])
    return carryElements(self, c, [Fact(c.dtype(0), dims)])
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let indices = try p.input(1)
    let at = try normalisedAxis(axis, rank: x.shape.rank)
    let size = x.shape[at]
    let count = indices.count
    let block = x.shape.count(of: at + 1..<x.shape.rank) * x.dtype.byteSize
    let outer = x.shape.count(of: 0..<at)
    let reader = Indices(indices.dtype)
    let isLarge = outer * count * block >= 1 << 17
    // One index known before: a stretch of the input.
    var movement = Movement.none
    if count == 1, outer == 1, let index = p.ints(1)?.first, index >= -size, index < size {
      movement = .parts([(index < 0 ? index + size : index) * block])
    }
    return Prepared(scratchBytes: count * 8, movement: movement, label: "gather") {
      (m) throws(EngineError) in
      let offsets = m.scratch.assumingMemoryBound(to: Int64.self)
      for i in 0..<count {
        offsets[i] = Int64(try reader.place(m.inputs[1], i, size: size, axis: at) &* block)
      }
      let (from, to) = (m.inputs[0], m.outputs[0])
      // Pieces cut the longer of the two loops.
      let pieces = isLarge ? min(m.pool.threads, max(outer, count)) : 1
      let cutsOuter = outer >= count
      m.pool.run(pieces) { piece in
        let rows = cutsOuter ? outer * piece / pieces..<outer * (piece + 1) / pieces : 0..<outer
        let first = cutsOuter ? 0 : count * piece / pieces
        let last = cutsOuter ? count : count * (piece + 1) / pieces
        for row in rows {
          Blocks.take(
            to: to + (row * count + first) * block, from: from + row * size * block,
            offsets: offsets + first, count: last - first, blockBytes: block)
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
    let x = try g.input(0)
    let (rank, indices) = (try knownRank(b, x), try g.input(1))
    let at = try normalisedAxis(axis, rank: rank)
    let tuples = try b.apply(Unsqueeze(axes: [-1]), b.apply(Cast(to: .int64), indices))
    if at == 0 {
      // An embedding: whole rows are added up.
      g.give(
        0, try b.apply(ScatterND(reduction: .add), zeros(b, like: x), tuples, g.upstream()))
      return
    }
    // The same with the axis in front.
    let front = try knownRank(b, indices)
    let perm = [at] + (0..<rank).filter { $0 != at }
    let upPerm =
      Array(at..<at + front) + Array(0..<at) + Array(at + front..<rank + front - 1)
    let up = try b.apply(Transpose(perm: upPerm), g.upstream())
    let rows = try zeros(b, like: b.apply(Transpose(perm: perm), x))
    let sum = try b.apply(ScatterND(reduction: .add), rows, tuples, up)
    let back = (0..<rank).map { k in perm.firstIndex(of: k) ?? k }
    g.give(0, try b.apply(Transpose(perm: back), sum))
  }
}
