import Graphs
import Kernels
import Tensors

/// FusedMatMul through a function.
///
/// - Inputs, errors: as FusedMatMul. Attributes: its own, and those of `FusedActivation`;
///   `activation_axis` plays no part, since no function here works along an axis.
/// - Source: com.microsoft FusedMatMulActivation 1. Its documentation: ONNX Runtime has no kernel
///   for its plain processor.
public struct FusedMatMulActivation: FormulaGradient {
  public let product: FusedMatMul
  public let activation: FusedActivation

  public static let schema = Schema(
    "FusedMatMulActivation", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("A", .floats), Parameter("B", .floats)], outputs: [Parameter("Y", .floats)],
    attributes: FusedMatMul.specs + FusedActivation.namedSpecs + [
      AttributeSpec("activation_axis", .int, "axis of the function; plays no part, not written")
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [0.5, -1, 2, 1.5, 0.25, -0.75] as [Float])
      return [
        .init(
          FusedMatMulActivation(
            FusedMatMul(b: .init(isTransposed: true)), try FusedActivation("Relu")), [x, x])
      ]
    })

  public init(_ product: FusedMatMul, _ activation: FusedActivation) {
    self.product = product
    self.activation = activation
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    product = try FusedMatMul(reading: a)
    activation = try FusedActivation(namesIn: a)
  }
  public var attributes: [Attribute] { product.attributes + activation.namedAttributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { try product.infer(c) }
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    product.multiplyAdds(inputs: inputs, outputs: outputs)
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try activation.after(try product.prepare(p), p)
  }
}

extension FusedMatMulActivation {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let made = try product.formula(b, inputs, outputs: 1)
    return Few(try activation.expand(b, made[0]))
  }
}
