import Graphs
import Tensors

/// The axes from `axis` on brought to unit mean square: `Y = X / sqrt(mean(X^2) + epsilon) *
/// scale`.
///
/// - `X`: float dtypes. `scale`: float dtypes, broadcasting to X; `Y` has its type.
/// - Attributes: `axis` default -1; `epsilon` default 1e-5; `stash_type` 1 (default) or 16.
/// - Outputs: `Y`; `inv_std_var`: float32, X's shape with 1 from `axis` on.
/// - Errors: `.attribute` for axis or stash_type; `.shape` for a scale that does not broadcast.
/// - Source: ONNX Runtime's SimplifiedLayerNormalization, version 1, which it keeps in ONNX's own
///   domain; RMSNormalization is its standard form.
public struct SimplifiedLayerNormalization: FormulaGradient {
  public let norm: RMSNormalization

  public static let schema = Schema(
    "SimplifiedLayerNormalization", versions: [1],
    inputs: [Parameter("X", .floats), Parameter("scale", .floats, "V")],
    outputs: [
      Parameter("Y", .floats, "V"), .optional("inv_std_var", DTypes(.float32), "U"),
    ],
    attributes: RMSNormalization.schema.attributes,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 4], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 })
      let scale = try Tensor([1, 0.5, 2, -1] as [Float])
      return [
        .init(SimplifiedLayerNormalization(), [x, scale]),
        .init(SimplifiedLayerNormalization(epsilon: 1e-3), [x, scale], outputCount: 2),
      ]
    })

  public init(axis: Int = -1, epsilon: Float = 1e-5, stash: DType = .float32) {
    norm = RMSNormalization(axis: axis, epsilon: epsilon, stash: stash)
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    norm = try RMSNormalization(reading: a)
  }
  public var attributes: [Attribute] { norm.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(1), nil), Fact(.float32, nil)] }
    let first = try normalisedAxis(norm.axis, rank: x.count)
    return [Fact(c.dtype(1), x), Fact(.float32, x[..<first] + x[first...].map { _ in 1 })]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { try norm.prepare(p) }
}

extension SimplifiedLayerNormalization {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let made = try norm.formula(b, inputs, outputs: outputs)
    if outputs < 2 { return made }
    return Few(made[0], try b.apply(Cast(to: .float32), made[1]))
  }
}
