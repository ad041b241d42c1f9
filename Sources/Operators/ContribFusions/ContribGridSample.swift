import Graphs
import Tensors

/// ONNX's GridSample in com.microsoft's domain: elements of images at places that a grid gives.
///
/// - Inputs, results, errors: as GridSample, for images with two spatial axes. Attributes: as
///   GridSample's, whose modes are named bilinear (default), nearest and bicubic.
/// - Edges: bicubic with padding border holds the place within the image, as ONNX's reference does;
///   ONNX Runtime holds each element's index.
/// - Source: com.microsoft GridSample 1.
public struct ContribGridSample: RenamedOperator {
  public let inner: GridSample

  public static let schema = Schema(
    "GridSample", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("X", FusedConv.types, "T1"), Parameter("Grid", FusedConv.types, "T1"),
    ],
    outputs: [Parameter("Y", FusedConv.types, "T2")],
    attributes: [
      AttributeSpec("align_corners", .int, "1: -1 and 1 are centres of corner pixels; default 0"),
      AttributeSpec("mode", .string, "bilinear (default), nearest or bicubic"),
      AttributeSpec("padding_mode", .string, "zeros (default), border or reflection"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 3, 4], (0..<24).map { Float($0 * 7 % 24) / 4 })
      let grid = try Tensor(
        shape: [1, 2, 2, 2], [0.13, -0.37, 0.71, 0.9, -1.2, 0.2, -0.6, -0.55] as [Float])
      return [
        .init(ContribGridSample(), [x, grid]),
        .init(ContribGridSample(mode: .cubic, padding: .border), [x, grid]),
      ]
    })

  public init(
    mode: GridSample.Mode = .linear, padding: GridSample.Padding = .zeros,
    alignsCorners: Bool = false
  ) { inner = GridSample(mode: mode, padding: padding, alignsCorners: alignsCorners) }

  private static let modes: [(name: String, mode: GridSample.Mode)] = [
    ("bilinear", .linear), ("nearest", .nearest), ("bicubic", .cubic),
  ]

  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string("mode", default: "bilinear", oneOf: Self.modes.map(\.name))
    let legal = ["zeros", "border", "reflection"]
    let padding = try a.string("padding_mode", default: "zeros", oneOf: legal)
    inner = GridSample(
      mode: Self.modes.first { $0.name == name }?.mode ?? .linear,
      padding: padding == "border" ? .border : padding == "zeros" ? .zeros : .reflection,
      alignsCorners: try a.bool("align_corners", default: false))
  }
  public var attributes: [Attribute] {
    let padding =
      switch inner.padding {
      case .zeros: "zeros"
      case .border: "border"
      case .reflection: "reflection"
      }
    return [
      .bool("align_corners", inner.alignsCorners),
      .string("mode", Self.modes.first { $0.mode == inner.mode }?.name ?? "bilinear"),
      .string("padding_mode", padding),
    ]
  }
}
