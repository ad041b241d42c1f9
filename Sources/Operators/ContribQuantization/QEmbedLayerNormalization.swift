import Graphs
import Kernels
import Tensors

/// The sum of word, position and segment embeddings, all of 8 bits, normalised over its last axis.
///
/// - `input_ids`, `segment_ids` (optional): int32 `[N, S]`. Embeddings: int8 or uint8 `[rows, D]`,
///   of words, of positions, of segments (optional). `gamma`, `beta`: int8 or uint8 `[D]`. `mask`
///   (optional): int32 `[N, S]`. For each a scale (float32) and a zero point (its type), one
///   element.
/// - `epsilon`: default 1e-12.
/// - Outputs: float32 `[N, S, D]`; int32 `[N]`: the sums of the mask's rows, 0 without a mask.
/// - Errors: `.shape` for sizes that do not fit; `.value` for an id out of range.
/// - Source: com.microsoft QEmbedLayerNormalization 1.
public struct QEmbedLayerNormalization: CompositeOperator {
  public let epsilon: Float

  private static func codes(_ name: String) -> Parameter {
    Parameter(name, MatMulInteger.types, "T2")
  }
  public static let schema = Schema(
    "QEmbedLayerNormalization", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("input_ids", DTypes(.int32), "T1"),
      .optional("segment_ids", DTypes(.int32), "T1"), codes("word_embedding_quant"),
      codes("position_embedding_quant"),
      .optional("segment_embedding", MatMulInteger.types, "T2"), codes("gamma_quant"),
      codes("beta_quant"), .optional("mask", DTypes(.int32), "T1"),
      Parameter("word_embedding_scale", DTypes(.float32)),
      Parameter("position_embedding_scale", DTypes(.float32)),
      .optional("segment_embedding_scale", DTypes(.float32)),
      Parameter("gamma_scale", DTypes(.float32)), Parameter("beta_scale", DTypes(.float32)),
      codes("word_embedding_zero_point"), codes("position_embedding_zero_point"),
      .optional("segment_embedding_zero_point", MatMulInteger.types, "T2"),
      codes("gamma_zero_point"), codes("beta_zero_point"),
    ],
    outputs: [
      Parameter("layernorm_out", DTypes(.float32)),
      Parameter("mask_index_out", DTypes(.int32), "T1"),
    ],
    attributes: [AttributeSpec("epsilon", .float, "added to the variance; default 1e-12")],
    cases: {
      let ids = try Tensor(shape: [2, 3], [1, 0, 3, 2, 3, 1] as [Int32])
      let kinds = try Tensor(shape: [2, 3], [0, 1, 1, 0, 0, 1] as [Int32])
      let words = try Tensor(shape: [4, 4], (0..<16).map { UInt8($0 * 37 % 256) })
      let places = try Tensor(shape: [5, 4], (0..<20).map { UInt8($0 * 29 % 256) })
      let gamma = try Tensor([100, 120, 90, 140] as [UInt8])
      let mask = try Tensor(shape: [2, 3], [1, 1, 0, 1, 1, 1] as [Int32])
      let (s, z) = (try Tensor(scalar: 0.02 as Float), try Tensor(scalar: 100 as UInt8))
      let op = QEmbedLayerNormalization()
      return [
        .init(
          op,
          [
            ids, kinds, words, places, try words.reshaped([4, 4]), gamma, gamma, mask, s, s, s, s,
            s, z, z, z, z, z,
          ], outputCount: 2),
        .init(
          op,
          [
            ids, nil, words, places, nil, gamma, gamma, nil, s, s, nil, s, s, z, z, nil, z, z,
          ], outputCount: 2),
      ]
    })

  public init(epsilon: Float = 1e-12) { self.epsilon = epsilon }
  public init(reading a: AttributeReader) throws(EngineError) {
    epsilon = try a.float("epsilon", default: 1e-12)
  }
  public var attributes: [Attribute] { [.float("epsilon", epsilon)] }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard inputs.count == 18, let ids = inputs[0] else {
      throw EngineError(.arity, "an input is missing")
    }
    /// The rows of table `i` at `ids`, or the whole table, as real numbers.
    func real(_ i: Int, _ scale: Int, _ zero: Int, at ids: B.Value?) throws(EngineError) -> B.Value
    {
      guard let table = inputs[i], let scale = inputs[scale], let zero = inputs[zero] else {
        throw EngineError(.arity, "segment inputs come together", expected: "all, or none")
      }
      let rows = if let ids { try b.apply(Gather(), table, ids) } else { table }
      return try b.apply(DequantizeLinear(), rows, scale, zero)
    }
    let length = try b.apply(
      Slice(),
      inputs: [
        b.apply(ShapeOp(), ids), b.constant(Tensor([1] as [Int64])),
        b.constant(Tensor([2] as [Int64])),
      ])
    guard let places = inputs[3] else { throw EngineError(.arity, "an input is missing") }
    let first = try b.apply(
      Slice(),
      inputs: [
        places, b.constant(Tensor([0] as [Int64])), length,
        b.constant(Tensor([0] as [Int64])),
      ])
    guard let scale = inputs[9], let zero = inputs[14] else {
      throw EngineError(.arity, "an input is missing")
    }
    var sum = try plus(
      b, real(2, 8, 13, at: ids), b.apply(DequantizeLinear(), first, scale, zero))
    if let kinds = inputs[1] { sum = try plus(b, sum, real(4, 10, 15, at: kinds)) }
    let y = try b.apply(
      LayerNormalization(epsilon: epsilon), sum, real(5, 11, 16, at: nil),
      real(6, 12, 17, at: nil))
    if outputs < 2 { return Few(y) }
    let over = ReduceAxes([1], keepDims: false)
    if let mask = inputs[7] { return Few(y, try b.apply(ReduceSum(over), mask)) }
    let none = try b.apply(Mul(), ids, b.constant(Tensor(scalar: 0 as Int32)))
    return Few(y, try b.apply(ReduceSum(over), none))
  }
}
