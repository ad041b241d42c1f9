import Graphs
import Kernels
import Tensors

/// Convolution, plus another image, through a function: `Y = activation(Conv(X, W, B) + Z)`.
///
/// - `X`, `W`, `B` (optional): as Conv. `Z` (optional): the result's type and shape.
/// - Attributes: those of Conv; `activation` and `activation_params`: see `FusedActivation`.
/// - Errors: as Conv; `.shape` for a Z of another shape; `.unsupported` for an unknown function.
/// - Accuracy: as Conv; in half types the sum with Z and the function round on their own.
/// - Source: com.microsoft FusedConv 1.
public struct FusedConv: FormulaGradient {
  public let conv: Conv
  public let activation: FusedActivation

  static let types = DTypes(.float16, .float32, .float64)
  static let inputs = [
    Parameter("X", types), Parameter("W", types), .optional("B", types), .optional("Z", types),
  ]

  public static let schema = Schema(
    "FusedConv", domain: "com.microsoft", versions: [1], inputs: inputs,
    outputs: [Parameter("Y", types)],
    attributes: Conv.schema.attributes + FusedActivation.listSpecs,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 4, 5], (0..<80).map { Float(($0 * 7) % 23) / 7.3 - 1.03 })
      let w = try Tensor(shape: [3, 2, 2, 3], (0..<36).map { Float(($0 * 5) % 17) / 8.1 - 0.97 })
      let z = try Tensor(shape: [2, 3, 3, 3], (0..<54).map { Float(($0 * 5) % 19) / 4 - 2 })
      return [
        .init(FusedConv(Conv(), try FusedActivation("Relu")), [x, w]),
        .init(
          FusedConv(Conv(), try FusedActivation("Clip", [-1, 2])),
          [x, w, try Tensor([1, -2, 0.5] as [Float]), z]),
      ]
    })

  public init(_ conv: Conv, _ activation: FusedActivation = .init()) {
    self.conv = conv
    self.activation = activation
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    conv = try Conv(reading: a)
    activation = try FusedActivation(listIn: a)
  }
  public var attributes: [Attribute] { conv.attributes + activation.listAttributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let facts = try conv.infer(Inference(inputs: Array(c.inputs.prefix(3))))
    guard let y = facts.first?.dims, let z = c.dims(3) else { return facts }
    let fits = zip(y, z).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
    guard fits, y.count == z.count else {
      throw EngineError(
        .shape, "Z has another shape than the result", expected: "\(y)", received: "\(z)")
    }
    return facts
  }
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    conv.multiplyAdds(inputs: inputs, outputs: outputs)
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if !p.has(3), let finish = activation.blockedFinish,
      let prepared = try conv.prepareVolume(p, finish)
    {
      return prepared
    }
    let inner = try conv.prepare(
      Preparation(
        inputs: Array(p.inputs.prefix(3)), outputs: p.outputs,
        constants: Array(p.constants.prefix(3)), options: p.options, store: p.store))
    return try activation.after(inner, p, residual: p.has(3) ? 3 : nil)
  }
}

extension FusedConv {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    var y = try b.apply(conv, inputs: Array(inputs.array.prefix(3)))
    if inputs.count > 3, let z = inputs[3] { y = try plus(b, y, z) }
    return Few(try activation.expand(b, y))
  }
}
