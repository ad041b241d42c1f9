import Graphs
import Kernels
import Tensors

/// Gemm through a function: `Y = activation(alpha A' B' + beta C)`.
///
/// - Inputs, attributes, errors: as Gemm; `activation`, `activation_alpha`, `activation_beta` and
///   `activation_gamma`: see `FusedActivation`, which has what ONNX Runtime has and ONNX's
///   defaults.
/// - Source: com.microsoft FusedGemm 1.
public struct FusedGemm: FormulaGradient {
  public let gemm: Gemm
  public let activation: FusedActivation

  static let types = DTypes(.float16, .float32, .float64)

  public static let schema = Schema(
    "FusedGemm", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("A", types), Parameter("B", types), .optional("C", types)],
    outputs: [Parameter("Y", types)],
    attributes: [
      AttributeSpec("alpha", .float, "factor of the product; default 1"),
      AttributeSpec("beta", .float, "factor of C; default 1"),
      AttributeSpec("transA", .int, "1: A is transposed; default 0"),
      AttributeSpec("transB", .int, "1: B is transposed; default 0"),
    ] + FusedActivation.namedSpecs,
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      let b = try Tensor(shape: [3, 2], [1, 2, -0.5, 0.75, 1.25, -1.5] as [Float])
      return [
        .init(
          FusedGemm(Gemm(), try FusedActivation("LeakyRelu", [0.3])),
          [a, b, try Tensor([1, -2] as [Float])]),
        .init(
          FusedGemm(Gemm(alpha: 0.5, transA: true, transB: true), try FusedActivation("Selu")),
          [b, a]),
      ]
    })

  public init(_ gemm: Gemm, _ activation: FusedActivation = .init()) {
    self.gemm = gemm
    self.activation = activation
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    gemm = Gemm(
      alpha: try a.float("alpha", default: 1), beta: try a.float("beta", default: 1),
      transA: try a.bool("transA", default: false), transB: try a.bool("transB", default: false))
    activation = try FusedActivation(namesIn: a)
  }
  public var attributes: [Attribute] { gemm.attributes + activation.namedAttributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { try gemm.infer(c) }
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    gemm.multiplyAdds(inputs: inputs, outputs: outputs)
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try activation.after(try gemm.prepare(p), p)
  }
}

extension FusedGemm {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let made = try b.apply(gemm, inputs: inputs.array)
    return Few(try activation.expand(b, made))
  }
}
