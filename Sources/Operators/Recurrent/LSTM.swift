import Graphs
import Kernels
import Tensors

/// A layer of long short-term memory cells.
///
/// `i = f(X Wi^T + H' Ri^T + Pi * C' + Wbi + Rbi)`, `f` likewise (`1 - i` with `input_forget`),
/// `c = g(X Wc^T + H' Rc^T + Wbc + Rbc)`, `C = f * C' + i * c`,
/// `o = f(X Wo^T + H' Ro^T + Po * C + Wbo + Rbo)`, `H = o * h(C)`.
///
/// - Inputs and outputs as in `RecurrentLayer`, gates i, o, f, c; float dtypes. Further
///   `initial_c` as `initial_h`, and peepholes `P` `[D, 3*H]` of i, o, f. Output `Y_c`.
/// - Attributes: `activations` default Sigmoid, Tanh, Tanh; `input_forget` default 0; see
///   `RecurrentOptions`.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.value` for a sequence length
///   out of range.
/// - Source: ONNX LSTM 1, 7, 14, 22.
public struct LSTM: RecurrentLayer {
  public let options: RecurrentOptions
  public let couplesForget: Bool

  public static let schema = Schema(
    "LSTM", versions: [1, 7, 14, 22],
    inputs: inputs + [.optional("initial_c", .floats), .optional("P", .floats)],
    outputs: [
      .optional("Y", .floats), .optional("Y_h", .floats), .optional("Y_c", .floats),
    ],
    attributes: RecurrentOptions.specs + [
      AttributeSpec("input_forget", .int, "1: the forget gate is 1 - input gate; default 0")
    ],
    isDifferentiable: true,
    cases: {
      let reverse = RecurrentOptions(direction: .reverse)
      return [
        .init(LSTM(), try exampleInputs(gates: 4), outputCount: 3),
        .init(LSTM(reverse, couplesForget: true), try exampleInputs(gates: 4), outputCount: 3),
        .init(
          LSTM(RecurrentOptions(direction: .bidirectional)),
          try fullInputs(gates: 4, directions: 2), outputCount: 3),
        .init(
          LSTM(
            RecurrentOptions(
              activations: ["HardSigmoid", "Elu", "ScaledTanh"], alphas: [0.3, 0.7, 1.5],
              betas: [0.4, 0.6], clip: 0.75), couplesForget: true),
          try fullInputs(gates: 4, directions: 1), outputCount: 3),
      ]
    })

  public init(_ options: RecurrentOptions = RecurrentOptions(), couplesForget: Bool = false) {
    self.options = options
    self.couplesForget = couplesForget
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    options = try RecurrentOptions(reading: a)
    couplesForget = try a.bool("input_forget", default: false)
  }
  public var attributes: [Attribute] {
    options.attributes + (couplesForget ? [.bool("input_forget", true)] : [])
  }
  public var cell: RecurrentKernel.Cell { .lstm(couplesForget: couplesForget) }
  public static let standardActivations = ["Sigmoid", "Tanh", "Tanh"]
}

extension LSTM {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try gradient(b, &g, by: LSTMGradient(self))
  }
}
