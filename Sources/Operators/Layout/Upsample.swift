import Graphs
import Tensors

/// Resize by its first name: every axis grows by a factor.
///
/// - `X`: any dtype of whole bytes, or strings; linear: real numbers. `scales`: float32 `[rank]`,
///   from 1; an input from opset 9, an attribute before.
/// - `mode`: nearest (default; rounds down) or linear; places are asymmetric.
/// - Errors: those of `Resize`, and `.value` for scales below 1.
/// - Source: ONNX Upsample 1, 7, 9, 10; deprecated since 10.
public struct Upsample: Operator {
  fileprivate let op: Resize
  public var scales: [Float]? { op.fixedScales }

  public static let schema = Schema(
    "Upsample", versions: [1, 7, 9, 10],
    inputs: [
      Parameter("X", Expand.types), .optional("scales", DTypes(.float32), "", shape: true),
    ],
    outputs: [Parameter("Y", Expand.types)],
    attributes: [
      AttributeSpec("mode", .string, "nearest (default) or linear"),
      AttributeSpec("height_scale", .float, "factor of H in [N, C, H, W]", before: 7),
      AttributeSpec("width_scale", .float, "factor of W in [N, C, H, W]", before: 7),
      AttributeSpec(
        "scales", .floats, "factor of each axis; an input from opset 9", since: 7, before: 9),
    ],
    inputCounts: [1: 1...1, 9: 2...2],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 1, 2, 3], (1...6).map { Float($0) })
      return [
        .init(Upsample(), [x, try Tensor([1, 1, 2, 1.5] as [Float])]),
        .init(Upsample(mode: .linear, scales: [1, 1, 2, 2]), [x]),
      ]
    })

  public init(mode: Resize.Mode = .nearest, scales: [Float]? = nil) {
    var op = Resize(mode: mode)
    op.becomeLegacy()
    op.fixedScales = scales
    self.op = op
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    // "bilinear" is what some exporters of opset 7 wrote.
    let name = try a.string(
      "mode", default: "nearest", oneOf: ["nearest", "linear", "bilinear"])
    var scales = a.has("scales") ? try a.floats("scales", default: []) : nil
    if a.opset < 7 { scales = [1, 1, try a.float("height_scale"), try a.float("width_scale")] }
    guard scales != nil || a.inputCount != 1 else {
      throw EngineError(.attribute, "required attribute 'scales' is missing")
    }
    for s in scales ?? [] where !(s >= 1) {
      throw EngineError(
        .attribute, "attribute 'scales' is out of range", expected: "from 1", received: "\(s)")
    }
    self.init(mode: name == "nearest" ? .nearest : .linear, scales: scales)
  }
  public var attributes: [Attribute] {
    [.string("mode", op.mode.rawValue)] + (scales.map { [.floats("scales", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let t = c.constant(1) {
      for s in try t.values(as: Float.self) where !(s >= 1) {
        throw EngineError(.value, "a scale is below 1", received: "\(s)")
      }
    }
    return try op.infer(c)
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { try op.prepare(p) }
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try op.evaluate(e)
  }
}

extension Upsample {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    try op.gradient(b, &g)
  }
}
