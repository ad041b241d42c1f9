import Graphs
import Tensors

/// The gated position bias of WavLM: `rel_pos` times a gate that each query computes of itself.
///
/// With `Z = query_layer + query_bias` in heads, `[u, r] = sigmoid` of the sums over the two halves
/// of `Z weight + bias`: `output = (u (r eco_a - 1) + 2) rel_pos`.
///
/// - `query_layer`: float16 or float32 `[N, S, H * E]`; `query_bias`: `[H * E]`; `rel_pos`:
///   `[1, H, S, S]`; `weight`: `[E, D]`, D even; `bias`: `[D]`; `eco_a`: `[1, H, 1, 1]`. Output
///   `[N, H, S, S]`.
/// - Errors: `.shape`; `.attribute` for `num_heads`; `.unsupported` for `token_offset` (tokens
///   without padding).
/// - Source: ONNX Runtime's GatedRelativePositionBias of domain com.microsoft, version 1.
public struct GatedRelativePositionBias: CompositeOperator {
  public let heads: Int

  static let types = DTypes(.float32, .float16)
  public static let schema = Schema(
    "GatedRelativePositionBias", domain: ContribTransformers.domain, versions: [1],
    inputs: [
      Parameter("query_layer", types), Parameter("query_bias", types), Parameter("rel_pos", types),
      Parameter("weight", types), Parameter("bias", types), Parameter("eco_a", types),
      .optional("token_offset", DTypes(.int32), "M"),
    ],
    outputs: [Parameter("output", types)],
    attributes: [AttributeSpec("num_heads", .int, "heads; required")],
    isDifferentiable: true,
    cases: {
      func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
        try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 13) * 0.2 - 1 })
      }
      return [
        .init(
          GatedRelativePositionBias(heads: 2),
          [
            try wave([2, 3, 6], 0), try wave([6], 1), try wave([1, 2, 3, 3], 2),
            try wave([3, 4], 3), try wave([4], 4), try wave([1, 2, 1, 1], 5),
          ])
      ]
    })

  public init(heads: Int) { self.heads = heads }
  public init(reading a: AttributeReader) throws(EngineError) { heads = try readHeads(a) }
  public var attributes: [Attribute] { [.int("num_heads", heads)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkRank(c.dims(0), 3, "query_layer")
    try checkRank(c.dims(3), 2, "weight")
    return [Fact(c.dtype(0), c.dims(0).map { [$0[0], Dim(heads), $0[1], $0[1]] })]
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard inputs.count < 7 || inputs[6] == nil else {
      throw EngineError(.unsupported, "tokens without padding")
    }
    guard let query = inputs[0], let queryBias = inputs[1], let positions = inputs[2],
      let weight = inputs[3], let bias = inputs[4], let eco = inputs[5]
    else { throw EngineError(.arity, "an input is missing") }
    try checkRank(b.fact(of: query).dims, 3, "query_layer")
    try checkRank(b.fact(of: weight).dims, 2, "weight")
    let z = try plus(b, query, queryBias)
    func shape(_ values: [Int64]) throws(EngineError) -> B.Value {
      try b.constant(Tensor(values))
    }
    let split = try b.apply(Reshape(), z, shape([0, 0, Int64(heads), -1]))
    let headed = try b.apply(Transpose(perm: [0, 2, 1, 3]), split)
    let gates = try plus(b, b.apply(MatMul(), headed, weight), bias)
    let halves = try b.apply(
      Reshape(), gates, shape([0, Int64(heads), -1, 2, gateHalf(b.fact(of: weight).dims)]))
    let sums = try b.apply(
      ReduceSum(), inputs: [halves, try shape([-1])])
    // [N, H, S, 2, 1] after the sum; the gates go to an axis of size 1 each.
    let flat = try b.apply(Squeeze(), b.apply(Sigmoid(), sums), shape([-1]))
    let parts = try b.apply(Split(axis: -1, parts: 2), inputs: [flat], outputs: 2)
    let inner = try plus(b, times(b, parts[1], eco), -1)
    return Few(try times(b, plus(b, times(b, parts[0], inner), 2), positions))
  }

  /// Half of the weights' columns.
  ///
  /// Errors: `.shape` where they are unknown or odd.
  private func gateHalf(_ dims: [Dim]?) throws(EngineError) -> Int64 {
    guard let n = dims?.last?.known, n > 0, n % 2 == 0 else {
      throw EngineError(
        .shape, "weight does not divide into two gates", expected: "an even number of columns",
        received: "\(dims ?? [])")
    }
    return Int64(n / 2)
  }
}
