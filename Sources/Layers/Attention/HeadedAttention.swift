import Tensors
import Training

/// What attention over several heads shares: projections of queries, keys and values, attention
/// within each head, and a projection of all heads' results.
///
/// - Inputs: queries `[N, Tq, D]`, values `[N, Tk, Dv]`, by default the queries, and keys
///   `[N, Tk, Dk]`, by default the values. Output: `[N, Tq, outputs]`.
/// - Parameters: `query.kernel` `[D, heads size]`, `key.kernel`, `value.kernel`, `outputKernel`
///   `[heads valueSize, outputs]` and biases; Keras has heads and sizes as axes of their own.
/// - Masks: of queries and of values. `takesMask`: whether the last input is one more mask, bool
///   `[N, Tq, Tk]` or 1 for any of these sizes, true where the query sees the key, for all heads.
/// - Errors: `.attribute`, `.arity`, `.shape`.
public class HeadedAttention: Layer {
  /// Heads of queries.
  public let heads: Int
  /// Heads of keys and values.
  public let keyHeads: Int
  /// Features of a key, for each head.
  public let keySize: Int
  /// Features of a value, for each head.
  public let valueSize: Int
  /// Whether steps see none after them.
  public let isCausal: Bool
  /// What is dropped in training.
  public let dropout: Double
  /// The projection of queries.
  public let query: Dense
  /// The projection of keys.
  public let key: Dense
  /// The projection of values.
  public let value: Dense
  /// Weights of the projection of all heads' results.
  public let outputKernel = Parameter.pending()
  /// Added to it; nil without.
  public let outputBias: Parameter?
  /// Whether a mask stands behind the other inputs.
  public let takesMask: Bool
  private let outputs: Int?

  init(
    heads: Int, keyHeads: Int, keySize: Int, valueSize: Int, outputs: Int?, isCausal: Bool,
    dropout: Double, useBias: Bool, takesMask: Bool
  ) {
    self.takesMask = takesMask
    self.heads = heads
    self.keyHeads = keyHeads
    self.keySize = keySize
    self.valueSize = valueSize
    self.outputs = outputs
    self.isCausal = isCausal
    self.dropout = dropout
    outputBias = useBias ? .pending() : nil
    query = Dense(heads * keySize, useBias: useBias)
    key = Dense(keyHeads * keySize, useBias: useBias)
    value = Dense(keyHeads * valueSize, useBias: useBias)
    super.init()
  }

  /// Queries, values and keys with what is left out filled in.
  private func all<T>(_ list: [T]) -> (query: T, value: T, key: T) {
    let value = list.count > 1 ? list[1] : list[0]
    return (list[0], value, list.count > 2 ? list[2] : value)
  }

  public override func build(all given: [LayerShape]) throws(EngineError) {
    let shapes = try withoutMask(given, takesMask)
    try checked(rate: dropout)
    try checked(heads, "the number of heads")
    try checked(keyHeads, "the number of heads of keys")
    try checked(keySize, "the size of keys")
    try checked(valueSize, "the size of values")
    guard heads % keyHeads == 0 else {
      throw EngineError(
        .attribute, "heads of keys do not divide those of queries",
        expected: "a divisor of \(heads)", received: "\(keyHeads)")
    }
    try expect(shapes, count: 1...3)
    for shape in shapes { try expect(shape, rank: 3...3) }
    let s = all(shapes)
    try query.prepare(for: [s.query])
    try key.prepare(for: [s.key])
    try value.prepare(for: [s.value])
    var count = outputs ?? 0
    if outputs == nil { count = try size(of: s.query, 2) }
    try start(outputKernel, [heads * valueSize, count], .glorotUniform)
    if let outputBias { try start(outputBias, [count], .zeros) }
  }

  public override func outputShapes(
    for given: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    let shapes = try withoutMask(given, takesMask)
    try expect(shapes, count: 1...3)
    for shape in shapes { try expect(shape, rank: 3...3) }
    let s = all(shapes)
    _ = try query.outputShape(for: s.query)
    _ = try key.outputShape(for: s.key)
    _ = try value.outputShape(for: s.value)
    return [[s.query[0], s.query[1], outputKernel.value.shape[1]]]
  }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let given = try AttentionInputs(input.values, takesMask: takesMask)
    let s = all(given.values)
    let (q, k, v) = (try query(s.query), try key(s.key), try value(s.value))
    let keyMask = given.values.count > 1 ? input.masks[1] : input.masks[0]
    let drops = isTraining && dropout > 0
    let mixed: Tensor
    if !drops, heads * keySize > 0 {
      // Over all heads at once by the operator; masks get an axis for the heads.
      var mask = try keyMask?.unsqueeze([1, 2])
      if let more = try given.mask?.expandDims(at: 1) {
        mask = try mask.map { try $0.logicalAnd(more) } ?? more
      }
      mixed = try q.attention(
        keys: k, values: v, mask: mask, isCausal: isCausal, heads: (heads, keyHeads))
    } else {
      mixed = try byFormula(q, k, v, keyMask, given.mask)
    }
    let y = try mixed.linear(outputKernel.value, outputBias?.value)
    return LayerOutput(try masked(y, input.mask), mask: input.mask)
  }

  private func byFormula(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ keyMask: Tensor?, _ given: Tensor?
  ) throws -> Tensor {
    func split(_ x: Tensor, _ n: Int) throws -> Tensor {
      let parts = try x.reshape(copying: [0, 0, n, -1]).transpose([0, 2, 1, 3])
      return n == heads ? parts : try parts.repeated(heads / n, axis: 1)
    }
    let (a, b, c) = (try split(q, heads), try split(k, keyHeads), try split(v, keyHeads))
    let scores = try a.matmul(b.swapAxes(2, 3)) * (1 / Double(keySize).squareRoot())
    let mask = try attentionMask(
      keys: keyMask?.expandDims(at: 1), isCausal: isCausal, q.shape[1], k.shape[1],
      given: given?.expandDims(at: 1))
    let r = try attend(scores, c, mask: mask, dropout: dropout)
    return try r.output.transpose([0, 2, 1, 3]).reshape(copying: [0, 0, -1])
  }

  public override var configuration: [(name: String, value: String)] {
    [("heads", "\(heads)"), ("keySize", "\(keySize)")]
  }
}
