import Graphs
import Kernels
import Tensors

/// Takes each element from `X` where the condition holds, from `Y` elsewhere.
///
/// - `condition`: bool. `X`, `Y`: every dtype of whole bytes and strings, one type for both. The
///   three shapes broadcast together, as NumPy's do.
/// - Errors: `.shape` for shapes that do not broadcast, `.dtype` for differing element types.
/// - Gradient: `dZ` where the condition holds, and where it does not. Summed over broadcast axes.
/// - Source: ONNX Where 9, 16.
public struct Where: Operator {
  static let types: DTypes = [.numeric, .bool, .string, .complex]

  public static let schema = Schema(
    "Where", versions: [9, 16],
    inputs: [
      Parameter("condition", .bool, "B"), Parameter("X", types), Parameter("Y", types),
    ],
    outputs: [Parameter("output", types)], isDifferentiable: true,
    cases: {
      let c = try Tensor(shape: [2, 1], [true, false] as [Bool])
      let x = try Tensor([1, 2, 3] as [Float])
      let y = try Tensor(shape: [2, 3], [4, 5, 6, 7, 8, 9] as [Float])
      return [
        .init(Where(), [c, x, y]),
        .init(Where(), [c, try Tensor(scalar: Float(0.5)), y]),
        .init(Where(), [c, x, try Tensor(scalar: Float(0.5))]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(1), c.dtype(2))
    let dims = try broadcast(broadcast(c.dims(0), c.dims(1)), c.dims(2))
    return [Fact(.tensor(c.dtype(1) ?? c.dtype(2), dims), elements: elements(c, dims))]
  }

  private func elements(_ c: Inference, _ dims: [Dim]?) -> [Dim]? {
    guard let on = integerElements(c.fact(0)), let x = c.elements(1), let y = c.elements(2),
      let count = dims?.reduce(1, *).known, count <= Fact.maxElements
    else { return nil }
    var result: [Dim] = []
    for i in 0..<count {
      guard let b = pick(on, i, count), let p = pick(x, i, count), let q = pick(y, i, count) else {
        return nil
      }
      if p == q || b.known == 1 {
        result.append(p)
      } else if b.known == 0 {
        result.append(q)
      } else {
        result.append(c.unknown())
      }
    }
    return result
  }

  private func pick(_ list: [Dim], _ i: Int, _ count: Int) -> Dim? {
    list.count == count ? list[i] : list.count == 1 ? list[0] : nil
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (c, x, y) = (try p.input(0), try p.input(1), try p.input(2))
    let out = try p.output(0)
    try checkSameDType(x.dtype, y.dtype)
    guard let kernel = WhereKernel(x.dtype) else { throw p.noKernel() }
    let plan = try BroadcastPlan(output: out.shape, inputs: Few(c.shape, x.shape, y.shape))
    return Prepared(inPlace: inPlaceMask(out, x, y) << 1, label: "where \(x.dtype)") { m in
      kernel.run(plan, m.inputs[0], m.inputs[1], m.inputs[2], m.outputs[0], m.pool)
    }
  }

  /// Strings.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let (c, x, y) = (try e.tensor(0), try e.tensor(1), try e.tensor(2))
    let facts = try infer(Inference(inputs: [Fact(c.type), Fact(x.type), Fact(y.type)]))
    guard c.dtype == .bool, x.dtype == .string, let shape = facts[0].tensorType?.shape else {
      throw EngineError(.dtype, "no kernel", received: "\(c.dtype), \(x.dtype), \(y.dtype)")
    }
    let plan = try BroadcastPlan(output: shape, inputs: Few(c.shape, x.shape, y.shape))
    var result = [String](repeating: "", count: shape.count)
    let (on, p, q) = (c.elements(Bool.self), x.strings, y.strings)
    plan.forEachElement { at, i, j, k in result[at] = on[i] ? p[j] : q[k] }
    return [.tensor(try Tensor(shape: shape, strings: result))]
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let on = try g.input(0), x = try g.input(1), y = try g.input(2), dz = try g.upstream()
    if g.needs(1) { g.give(1, try unbroadcast(b, masked(b, dz, where: on), like: x)) }
    if g.needs(2) {
      let other = try b.apply(Where(), on, scalar(b, 0, like: dz), dz)
      g.give(2, try unbroadcast(b, other, like: y))
    }
  }
}
