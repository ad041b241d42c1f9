import Graphs
import Kernels
import Tensors

/// Conv on images that lie as `[N, D1, ..., C]`.
///
/// - `X`: `[N, D1, ..., C]`; `W`: `[M, C / group, k1, ...]`; `B` (optional): `[M]`; `Y`:
///   `[N, o1, ..., M]`.
/// - Attributes, errors: as Conv.
/// - Source: com.microsoft NhwcConv 1. Its documentation: ONNX Runtime has no kernel for its plain
///   processor.
public struct NhwcConv: FormulaGradient {
  public let conv: Conv

  static let images = ChannelsLast(images: [0])

  public static let schema = Schema(
    "NhwcConv", domain: "com.microsoft", versions: [1],
    inputs: Array(FusedConv.inputs.prefix(3)), outputs: [Parameter("Y", FusedConv.types)],
    attributes: Conv.schema.attributes,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 4, 5, 2], (0..<80).map { Float(($0 * 7) % 23) / 8 - 1 })
      let w = try Tensor(shape: [4, 1, 2, 3], (0..<24).map { Float(($0 * 5) % 17) / 8 - 1 })
      return [
        .init(NhwcConv(Conv(group: 2)), [x, w]),
        .init(
          NhwcConv(Conv(window: Window(strides: [2, 1], autoPad: .sameUpper), group: 2)),
          [x, w, try Tensor([1, -2, 0.5, 3] as [Float])]),
      ]
    })

  public init(_ conv: Conv) { self.conv = conv }
  public init(reading a: AttributeReader) throws(EngineError) { conv = try Conv(reading: a) }
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

extension NhwcConv {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let y = try b.apply(conv, inputs: Self.images.channelsSecond(b, inputs))
    return Few(try Self.images.channelsLast(b, y))
  }
}
