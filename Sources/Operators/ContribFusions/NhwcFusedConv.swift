import Graphs
import Kernels
import Tensors

/// FusedConv on images that lie as `[N, D1, ..., C]`.
///
/// - `X`: `[N, D1, ..., C]`; `W`: `[M, C / group, k1, ...]`; `B` (optional): `[M]`; `Z` (optional)
///   and `Y`: `[N, o1, ..., M]`.
/// - Attributes, errors: as FusedConv.
/// - Source: com.microsoft NhwcFusedConv 1. Its documentation: ONNX Runtime has no kernel for its
///   plain processor.
public struct NhwcFusedConv: FormulaGradient {
  public let conv: FusedConv

  static let images = ChannelsLast(images: [0, 3])

  public static let schema = Schema(
    "NhwcFusedConv", domain: "com.microsoft", versions: [1], inputs: FusedConv.inputs,
    outputs: [Parameter("Y", FusedConv.types)], attributes: FusedConv.schema.attributes,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 4, 5, 2], (0..<80).map { Float(($0 * 7) % 23) / 8 - 1 })
      let w = try Tensor(shape: [3, 2, 2, 3], (0..<36).map { Float(($0 * 5) % 17) / 8 - 1 })
      let z = try Tensor(shape: [2, 3, 3, 3], (0..<54).map { Float(($0 * 5) % 19) / 4 - 2 })
      return [
        .init(NhwcFusedConv(FusedConv(Conv(), try FusedActivation("Relu"))), [x, w]),
        .init(
          NhwcFusedConv(FusedConv(Conv(), try FusedActivation("Tanh"))), [x, w, nil, z]),
      ]
    })

  public init(_ conv: FusedConv) { self.conv = conv }
  public init(reading a: AttributeReader) throws(EngineError) { conv = try FusedConv(reading: a) }
  public var attributes: [Attribute] { conv.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try Self.images.infer(conv, c)
  }
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    Self.images.multiplyAdds(conv, inputs: inputs, outputs: outputs)
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try Self.images.prepare(conv, p)
  }
}

extension NhwcFusedConv {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let made = try conv.formula(b, Few(Self.images.channelsSecond(b, inputs)), outputs: 1)
    return Few(try Self.images.channelsLast(b, made[0]))
  }
}
