import Graphs
import Kernels
import Tensors

/// A layer of gated recurrent units.
///
/// `z = f(X Wz^T + H' Rz^T + Wbz + Rbz)`, `r` likewise,
/// `h = g(X Wh^T + (r * H') Rh^T + Rbh + Wbh)`, or with `linear_before_reset`
/// `h = g(X Wh^T + r * (H' Rh^T + Rbh) + Wbh)`; `H = (1 - z) * h + z * H'`.
///
/// - Inputs and outputs as in `RecurrentLayer`, gates z, r, h; float dtypes.
/// - Attributes: `activations` default Sigmoid, Tanh; `linear_before_reset` default 0; see
///   `RecurrentOptions`.
/// - Errors: `.shape` for operands that do not fit; `.attribute`; `.value` for a sequence length
///   out of range.
/// - Source: ONNX GRU 1, 3, 7, 14, 22.
public struct GRU: RecurrentLayer {
  public let options: RecurrentOptions
  public let linearBeforeReset: Bool

  public static let schema = Schema(
    "GRU", versions: [1, 3, 7, 14, 22], inputs: inputs,
    outputs: [.optional("Y", .floats), .optional("Y_h", .floats)],
    attributes: RecurrentOptions.specs + [
      AttributeSpec(
        "linear_before_reset", .int, "1: reset after the linear map; default 0", since: 3)
    ],
    outputCounts: [1: 2...2, 3: 0...2],
    isDifferentiable: true,
    cases: {
      [
        .init(GRU(), try exampleInputs(gates: 3), outputCount: 2),
        .init(GRU(linearBeforeReset: true), try exampleInputs(gates: 3), outputCount: 2),
        .init(
          GRU(RecurrentOptions(direction: .bidirectional), linearBeforeReset: true),
          try fullInputs(gates: 3, directions: 2), outputCount: 2),
        .init(
          GRU(RecurrentOptions(direction: .reverse, clip: 0.5)),
          try fullInputs(gates: 3, directions: 1), outputCount: 2),
      ]
    })

  public init(
    _ options: RecurrentOptions = RecurrentOptions(), linearBeforeReset: Bool = false
  ) {
    self.options = options
    self.linearBeforeReset = linearBeforeReset
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    options = try RecurrentOptions(reading: a)
    linearBeforeReset = try a.bool("linear_before_reset", default: false)
  }
  public var attributes: [Attribute] {
    options.attributes + (linearBeforeReset ? [.bool("linear_before_reset", true)] : [])
  }
  public var cell: RecurrentKernel.Cell { .gru(linearBeforeReset: linearBeforeReset) }
  public static let standardActivations = ["Sigmoid", "Tanh"]
}

extension GRU {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try gradient(b, &g, by: GRUGradient(self))
  }
}
