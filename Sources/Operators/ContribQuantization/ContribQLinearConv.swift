import Graphs
import Kernels
import Tensors

/// QLinearConv whose images may lie as `[N, D1, ..., C]`.
///
/// - Inputs, result, attributes, errors: as ONNX's QLinearConv; with `channels_last` (default 0)
///   `x` is `[N, D1, ..., C]` and `y` `[N, o1, ..., M]`, `w` `[M, C / group, k1, ...]` as ever.
/// - Source: com.microsoft QLinearConv 1.
public struct ContribQLinearConv: Operator {
  public let conv: QLinearConv
  public let channelsLast: Bool

  public static let schema = Schema(
    "QLinearConv", domain: "com.microsoft", versions: [1], inputs: QLinearConv.schema.inputs,
    outputs: QLinearConv.schema.outputs,
    attributes: QLinearConv.schema.attributes + [
      AttributeSpec("channels_last", .int, "1: images lie as [N, D1, ..., C]; default 0")
    ],
    cases: {
      let x = try Tensor(shape: [2, 3, 4, 2], (0..<48).map { UInt8($0 * 7 % 48) })
      let w = try Tensor(shape: [4, 1, 2, 2], (0..<16).map { Int8($0 * 5 % 16 - 7) })
      let s = try Tensor(scalar: 0.5 as Float)
      let zero = try Tensor(scalar: 9 as UInt8)
      let two = try Tensor(scalar: 2 as Int8)
      let conv = QLinearConv(window: Window(autoPad: .sameLower), group: 2)
      let bias = try Tensor([10, -20, 30, 5] as [Int32])
      return [
        .init(
          ContribQLinearConv(conv, channelsLast: true),
          [x, s, zero, w, s, two, try Tensor(scalar: 1.5 as Float), two, bias]),
        .init(
          ContribQLinearConv(conv),
          [try x.reshaped([2, 2, 3, 4]), s, zero, w, s, two, s, zero]),
      ]
    })

  public init(_ conv: QLinearConv, channelsLast: Bool = false) {
    self.conv = conv
    self.channelsLast = channelsLast
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    conv = try QLinearConv(reading: a)
    channelsLast = try a.bool("channels_last", default: false)
  }
  public var attributes: [Attribute] {
    conv.attributes + (channelsLast ? [.bool("channels_last", true)] : [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    channelsLast ? try ChannelsLast(images: [0]).infer(conv, c) : try conv.infer(c)
  }
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    channelsLast
      ? ChannelsLast(images: [0]).multiplyAdds(conv, inputs: inputs, outputs: outputs)
      : conv.multiplyAdds(inputs: inputs, outputs: outputs)
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    channelsLast ? try ChannelsLast(images: [0]).prepare(conv, p) : try conv.prepare(p)
  }
}
