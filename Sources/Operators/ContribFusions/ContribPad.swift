import Graphs
import Tensors

/// ONNX's Pad in com.microsoft's domain: elements put around a tensor, or taken away.
///
/// - `data`: float16, float32 or float64; `pads`: int64 `[2 * rank]` or `[1, 2 * rank]`, befores
///   and then behinds; `value` (optional, 0): data's type, one element.
/// - `mode`: constant (default), reflect or edge. Errors: as Pad.
/// - Source: com.microsoft Pad 1.
public struct ContribPad: RenamedOperator {
  public let inner: Pad

  public static let schema = Schema(
    "Pad", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("data", FusedConv.types), Parameter("pads", .int64, "", shape: true),
      .optional("value", FusedConv.types),
    ],
    outputs: [Parameter("output", FusedConv.types)],
    attributes: [AttributeSpec("mode", .string, "constant (default), reflect or edge")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      let pads = try Tensor(shape: [1, 4], [0, 1, 1, -1] as [Int64])
      return [
        .init(ContribPad(), [x, pads, try Tensor(scalar: 7 as Float)]),
        .init(ContribPad(mode: .edge), [x, try Tensor([0, 2, 1, 0] as [Int64])]),
      ]
    })

  public init(mode: Pad.Mode = .constant) { inner = Pad(mode: mode) }
  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string("mode", default: "constant", oneOf: ["constant", "reflect", "edge"])
    inner = Pad(mode: Pad.Mode(rawValue: name) ?? .constant)
  }
  public var attributes: [Attribute] { [.string("mode", inner.mode.rawValue)] }
}
