import Graphs
import Kernels
import Tensors

/// A simple recurrent layer: `H = f(X W^T + H' R^T + Wb + Rb)`.
///
/// - Inputs and outputs as in `RecurrentLayer`, one gate; float dtypes.
/// - Attributes: `activations` default Tanh; see `RecurrentOptions`.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.value` for a sequence length
///   out of range.
/// - Source: ONNX RNN 1, 7, 14, 22.
public struct RNN: RecurrentLayer {
  public let options: RecurrentOptions

  public static let schema = Schema(
    "RNN", versions: [1, 7, 14, 22], inputs: inputs,
    outputs: [.optional("Y", .floats), .optional("Y_h", .floats)],
    attributes: RecurrentOptions.specs,
    isDifferentiable: true,
    cases: {
      let both = RecurrentOptions(direction: .bidirectional)
      return [
        .init(RNN(), try exampleInputs(gates: 1), outputCount: 2),
        .init(RNN(both), try exampleInputs(gates: 1, directions: 2), outputCount: 2),
        .init(
          RNN(RecurrentOptions(direction: .reverse, activations: ["Softsign"])),
          try fullInputs(gates: 1, directions: 1), outputCount: 2),
      ]
    })

  public init(_ options: RecurrentOptions = RecurrentOptions()) { self.options = options }
  public init(reading a: AttributeReader) throws(EngineError) {
    options = try RecurrentOptions(reading: a)
  }
  public var attributes: [Attribute] { options.attributes }
  public var cell: RecurrentKernel.Cell { .rnn }
  public static let standardActivations = ["Tanh"]
}

extension RNN {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try gradient(b, &g, by: RNNGradient(self))
  }
}
