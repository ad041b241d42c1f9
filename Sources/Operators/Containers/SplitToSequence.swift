import Graphs
import Tensors

/// A tensor cut along an axis into a sequence of neighbouring parts.
///
/// - `input`: any dtype of whole bytes, or strings; rank from 1. `split`: int32 or int64, the sizes
///   of the parts, or a scalar size of all parts but perhaps a smaller last one; default 1.
/// - `axis`: default 0. `keepdims`: without `split`, 0 drops the axis from the parts; default 1.
/// - Errors: `.shape` when sizes do not add up, `.value` for a size that is not positive,
///   `.attribute` for `axis`.
/// - Source: ONNX SplitToSequence 11, 24 (bfloat16).
public struct SplitToSequence: Operator {
  public let axis: Int
  public let keepsDims: Bool

  public static let schema = Schema(
    "SplitToSequence", versions: [11, 24],
    inputs: [Parameter("input", Containers.types), .optional("split", .indices, "I")],
    outputs: [Parameter("output_sequence", Containers.types, "S", containers: true)],
    attributes: [
      AttributeSpec("axis", .int, "the axis to cut; default 0"),
      AttributeSpec("keepdims", .int, "without split: parts keep the axis; default 1"),
    ],
    isDifferentiable: true,
    cases: { [] })

  public init(axis: Int = 0, keepsDims: Bool = true) {
    self.axis = axis
    self.keepsDims = keepsDims
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: 0)
    keepsDims = try a.bool("keepdims", default: true)
  }
  public var attributes: [Attribute] { [.int("axis", axis), .bool("keepdims", keepsDims)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard var dims = c.dims(0), let at = try c.axis(axis, rank: dims.count) else {
      return [Fact(.sequence(.tensor(c.dtype(0), nil)))]
    }
    if c.has(1) {
      dims[at] = Dim(symbol: "?")
    } else if keepsDims {
      dims[at] = 1
    } else {
      dims.remove(at: at)
    }
    return [Fact(.sequence(.tensor(c.dtype(0), dims)))]
  }

  /// Sizes of the parts of `total` elements.
  private func sizes(_ split: Tensor?, _ total: Int) throws(EngineError) -> [Int] {
    guard let split else { return Array(repeating: 1, count: total) }
    let given = Fact(constant: split).knownInts ?? []
    guard split.shape.rank == 0, let size = given.first else { return given }
    guard size > 0 else {
      throw EngineError(
        .value, "the size of the parts must be positive", expected: "at least 1",
        received: "\(size)")
    }
    let whole = Array(repeating: size, count: total / size)
    return total % size == 0 ? whole : whole + [total % size]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    let at = try normalisedAxis(axis, rank: x.shape.rank)
    let split = try e.optionalTensor(1)
    let sizes = try sizes(split, x.shape[at])
    if sizes.isEmpty && x.shape[at] == 0 { return [.sequence([])] }
    let parts = try e.run(
      Split(axis: at, sizes: sizes), [.tensor(x)], outputs: sizes.count)
    var list: [Value] = []
    for part in parts {
      guard let t = try part?.asTensor() else { continue }
      var dims = t.shape.array
      if split == nil && !keepsDims { dims.remove(at: at) }
      list.append(.tensor(try t.reshaped(Shape(checking: dims))))
    }
    return [.sequence(list)]
  }
}

extension SplitToSequence {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw sequencesOnlyInGraphs(Self.schema.name)
  }

  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    guard g.needs(0) else { return }
    let joined = ConcatFromSequence(axis: axis, stacks: !keepsDims && !g.has(1))
    g.give(0, try b.apply(joined, g.upstream()))
  }
}
