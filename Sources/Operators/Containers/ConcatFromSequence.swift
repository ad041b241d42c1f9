import Graphs
import Tensors

/// The tensors of a sequence joined along an axis, or stacked along a new one.
///
/// - `input_sequence`: tensors of one element type that differ in size along `axis` at most.
/// - `axis`: required, in `-rank..<rank` of the result. `new_axis`: 1 stacks; default 0.
/// - Errors: `.value` for an empty sequence, `.shape`, `.dtype`, `.attribute` as of Concat.
/// - Source: ONNX ConcatFromSequence 11.
public struct ConcatFromSequence: Operator {
  public let axis: Int
  public let stacks: Bool

  public static let schema = Schema(
    "ConcatFromSequence", versions: [11],
    inputs: [Parameter("input_sequence", Containers.types, "S", containers: true)],
    outputs: [Parameter("concat_result", Containers.types)],
    attributes: [
      AttributeSpec("axis", .int, "the axis to join along; required"),
      AttributeSpec("new_axis", .int, "1: a new axis; default 0"),
    ],
    isDifferentiable: true,
    cases: { [] })

  public init(axis: Int, stacks: Bool = false) {
    self.axis = axis
    self.stacks = stacks
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis")
    stacks = try a.bool("new_axis", default: false)
  }
  public var attributes: [Attribute] { [.int("axis", axis), .bool("new_axis", stacks)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard case .tensor(let d, var dims)? = c.fact(0)?.elementType?.opened(c) else {
      return [Fact(nil, nil)]
    }
    if let rank = dims?.count {
      let at = try normalisedAxis(axis, rank: stacks ? rank + 1 : rank)
      if stacks { dims?.insert(c.unknown(), at: at) } else { dims?[at] = c.unknown() }
    }
    return [Fact(d, dims)]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var parts: [Value?] = []
    for v in try e.sequence(0) {
      let t = try v.asTensor()
      guard stacks else {
        parts.append(v)
        continue
      }
      var dims = t.shape.array
      dims.insert(1, at: try normalisedAxis(axis, rank: dims.count + 1))
      parts.append(.tensor(try t.reshaped(Shape(checking: dims))))
    }
    guard !parts.isEmpty else {
      throw EngineError(.value, "nothing to join", expected: "at least 1 tensor", received: "0")
    }
    return try e.run(Concat(axis: axis), parts)
  }
}

extension ConcatFromSequence {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw sequencesOnlyInGraphs(Self.schema.name)
  }

  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    guard g.needs(0) else { return }
    if stacks {
      g.give(0, try b.apply(SplitToSequence(axis: axis, keepsDims: false), g.upstream()))
      return
    }
    let rank = try knownRank(b, g.upstream())
    let at = try normalisedAxis(axis, rank: rank)
    let sizes = try b.mapped([g.input(0)]) { (inner, x) throws(EngineError) in
      try inner.apply(ShapeOp(start: at, end: at + 1), x[0])
    }
    let split = try b.apply(ConcatFromSequence(axis: 0), sizes)
    g.give(0, try b.apply(SplitToSequence(axis: axis), g.upstream(), split))
  }
}
