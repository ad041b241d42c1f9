import Graphs
import Kernels
import Tensors

/// The `k` largest (or smallest) elements along an axis and their places, best first.
///
/// - `X`: any numeric dtype, rank 1 or more. `K`: int64 `[1]`; an attribute before opset 10.
/// - `axis`: default -1. `largest`: default 1. `sorted`: default 1; results are sorted anyway.
/// - Outputs: `Values` as `X`, `Indices` int64, both with `k` elements along the axis.
/// - Errors: `.attribute` for an axis out of range; `.value` for a `k` below 0 or above the size.
/// - Edges: among equals the lower index comes first; NaN counts as larger than every number.
/// - Cost: `n log k` comparisons a slice.
/// - Source: ONNX TopK 1, 10, 11, 24.
public struct TopK: Operator {
  public let axis: Int
  public let isLargest: Bool
  public let isSorted: Bool
  /// The attribute of opsets before 10.
  public let k: Int?

  public static let schema = Schema(
    "TopK", versions: [1, 10, 11, 24],
    inputs: [Parameter("X", .numeric), .optional("K", .int64, "", shape: true)],
    outputs: [Parameter("Values", .numeric), Parameter("Indices", .int64, "I")],
    attributes: [
      AttributeSpec("axis", .int, "-rank to rank - 1; default -1"),
      AttributeSpec("k", .int, "how many, before opset 10", before: 10),
      AttributeSpec("largest", .int, "1 (default): the largest; 0: the smallest", since: 11),
      AttributeSpec("sorted", .int, "1 (default): best first; 0: any order", since: 11),
    ],
    inputCounts: [1: 1...1, 10: 2...2],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 4], (0..<12).map { Float(($0 * 7) % 12) })
      let k = try Tensor([2] as [Int64])
      return [
        .init(TopK(), [x, k], outputCount: 2),
        .init(TopK(axis: 0, isLargest: false), [x, k], outputCount: 2),
      ]
    })

  public init(axis: Int = -1, isLargest: Bool = true, isSorted: Bool = true, k: Int? = nil) {
    self.axis = axis
    self.isLargest = isLargest
    self.isSorted = isSorted
    self.k = k
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.int("axis", default: -1)
    isLargest = try a.bool("largest", default: true)
    isSorted = try a.bool("sorted", default: true)
    k = a.opset < 10 ? try a.int("k") : try a.optionalInt("k")
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if axis != -1 { list.append(.int("axis", axis)) }
    if let k { list.append(.int("k", k)) }
    if !isLargest { list.append(.bool("largest", false)) }
    if !isSorted { list.append(.bool("sorted", false)) }
    return list
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard k != nil || c.has(1) else { throw EngineError(.arity, "input 1 (K) is missing") }
    guard var dims = c.dims(0) else { return [Fact(c.dtype(0), nil), Fact(.int64, nil)] }
    let axis = try normalisedAxis(axis, rank: dims.count)
    if let given = c.elements(1), c.has(1) {
      guard given.count == 1 else {
        throw EngineError(.shape, "K holds one number", received: "\(given.count) elements")
      }
      dims[axis] = try checked(given[0], of: dims[axis])
    } else if let k {
      dims[axis] = try checked(Dim(k), of: dims[axis])
    } else {
      dims[axis] = c.unknown()
    }
    return [Fact(c.dtype(0), dims), Fact(.int64, dims)]
  }

  private func checked(_ k: Dim, of n: Dim) throws(EngineError) -> Dim {
    guard let count = k.known else { return k }
    if count < 0 || count > n.known ?? .max {
      throw EngineError(
        .value, "k is out of range", expected: "0 to \(n)", received: "\(count)")
    }
    return k
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    guard isNumeral(x.dtype) else { throw p.noKernel() }
    let axis = try normalisedAxis(axis, rank: x.shape.rank)
    let outer = x.shape.count(of: 0..<axis)
    let n = x.shape[axis]
    let inner = x.shape.count(of: axis + 1..<x.shape.rank)
    // Either output may be unwanted, but both are needed to work in.
    guard let shape = (p.wants(0) ? p.outputs[0] : p.wants(1) ? p.outputs[1] : nil)?.shape,
      shape[axis] <= n
    else { throw EngineError(.value, "k is out of range", expected: "at most \(n)") }
    let k = shape[axis]
    let isLargest = isLargest
    let dtype = x.dtype
    let (hasValues, hasIndices) = (p.wants(0), p.wants(1))
    let indexBytes = hasIndices ? 0 : (shape.count * 8 + 63) / 64 * 64
    let valueBytes = hasValues ? 0 : dtype.byteCount(of: shape.count)
    return Prepared(scratchBytes: indexBytes + valueBytes, label: "heap") { m in
      TopKKernel.run(
        dtype, m.inputs[0], outer: outer, n: n, inner: inner, k: k, isLargest: isLargest,
        values: hasValues ? m.outputs[0] : m.scratch + indexBytes,
        indices: hasIndices ? m.output(1) : m.scratch.assumingMemoryBound(to: Int64.self),
        pool: m.pool)
    }
  }
}

extension TopK {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard let up = g.upstreams[0] else { return }
    let x = try g.input(0)
    let axis = try normalisedAxis(axis, rank: knownRank(b, x))
    let places =
      g.outputs.count > 1
      ? g.outputs[1] : try b.apply(self, inputs: g.inputs.array, outputs: 2)[1]
    g.give(
      0, try b.apply(ScatterElements(axis: axis, reduction: .add), zeros(b, like: x), places, up))
  }
}
