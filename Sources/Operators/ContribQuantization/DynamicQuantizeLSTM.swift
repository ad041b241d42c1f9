import Graphs
import Kernels
import Tensors

/// LSTM with weights of 8 bits.
///
/// - `X`, `B`, `sequence_lens`, `initial_h`, `initial_c`, `P`: as LSTM, float32. `W`: int8 or uint8
///   `[D, I, 4 * H]`; `R`: its type, `[D, H, 4 * H]`, both the other way round than LSTM's. Scales
///   (float32) and zero points: `[D]` or `[D, 4 * H]`.
/// - Results, attributes, errors: as LSTM.
/// - Accuracy: weights become real numbers, and X is rounded to 8 bits as a whole
///   (DynamicQuantizeLinear), as ONNX Runtime does; the hidden state, which ONNX Runtime rounds in
///   every step too, is not. Results differ by a few thousandths.
/// - Source: com.microsoft DynamicQuantizeLSTM 1.
public struct DynamicQuantizeLSTM: CompositeOperator {
  public let lstm: LSTM

  public static let schema = Schema(
    "DynamicQuantizeLSTM", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("X", DTypes(.float32)), Parameter("W", MatMulInteger.types, "T2"),
      Parameter("R", MatMulInteger.types, "T2"), .optional("B", DTypes(.float32)),
      .optional("sequence_lens", DTypes(.int32), "T1"), .optional("initial_h", DTypes(.float32)),
      .optional("initial_c", DTypes(.float32)), .optional("P", DTypes(.float32)),
      Parameter("W_scale", DTypes(.float32)), Parameter("W_zero_point", MatMulInteger.types, "T2"),
      Parameter("R_scale", DTypes(.float32)), Parameter("R_zero_point", MatMulInteger.types, "T2"),
    ],
    outputs: [
      .optional("Y", DTypes(.float32)), .optional("Y_h", DTypes(.float32)),
      .optional("Y_c", DTypes(.float32)),
    ],
    attributes: LSTM.schema.attributes.filter { $0.name != "layout" },
    cases: {
      let x = try Tensor(shape: [2, 1, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      let w = try Tensor(shape: [1, 3, 8], (0..<24).map { Int8($0 * 29 % 100 - 50) })
      let r = try Tensor(shape: [1, 2, 8], (0..<16).map { Int8($0 * 37 % 100 - 50) })
      let (s, z) = (try Tensor([0.01] as [Float]), try Tensor([3] as [Int8]))
      let each = try Tensor(shape: [1, 8], (0..<8).map { Float($0 + 3) / 800 })
      let zeros = try Tensor(shape: [1, 8], (0..<8).map { Int8($0) })
      let options = try exampleOptions()
      return [
        .init(
          DynamicQuantizeLSTM(options), [x, w, r, nil, nil, nil, nil, nil, s, z, s, z],
          outputCount: 3),
        .init(
          DynamicQuantizeLSTM(options), [x, w, r, nil, nil, nil, nil, nil, each, zeros, s, z],
          outputCount: 3),
      ]
    })

  private static func exampleOptions() throws(EngineError) -> LSTM {
    try LSTM(
      reading: AttributeReader(
        "LSTM", opset: 22, attributes: [.int("hidden_size", 2)], inputCount: 3, outputCount: 3))
  }

  public init(_ lstm: LSTM) { self.lstm = lstm }
  public init(reading a: AttributeReader) throws(EngineError) { lstm = try LSTM(reading: a) }
  public var attributes: [Attribute] { lstm.attributes.filter { $0.name != "layout" } }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard inputs.count == 12, let x = inputs[0] else {
      throw EngineError(.arity, "an input is missing")
    }
    let codes = try b.apply(DynamicQuantizeLinear(), inputs: [x], outputs: 3)
    let rounded = try b.apply(DequantizeLinear(), codes[0], codes[1], codes[2])
    let w = try weights(b, inputs[1], inputs[8], inputs[9])
    let r = try weights(b, inputs[2], inputs[10], inputs[11])
    return try b.apply(
      lstm, inputs: [rounded, w, r, inputs[3], inputs[4], inputs[5], inputs[6], inputs[7]],
      outputs: outputs)
  }

  /// Codes `[D, I, 4 * H]` as real numbers `[D, 4 * H, I]`.
  private func weights<B: Builder>(
    _ b: B, _ codes: B.Value?, _ scale: B.Value?, _ zero: B.Value?
  ) throws(EngineError) -> B.Value {
    guard let codes, let scale, let zero else {
      throw EngineError(.arity, "an input is missing")
    }
    let shape = try b.constant(Tensor([0, 1, -1] as [Int64]))
    let zeros = try b.apply(Reshape(), b.apply(Cast(to: .float32), zero), shape)
    let real = try times(
      b, minus(b, b.apply(Cast(to: .float32), codes), zeros), b.apply(Reshape(), scale, shape))
    return try b.apply(Transpose(perm: [0, 2, 1]), real)
  }
}
