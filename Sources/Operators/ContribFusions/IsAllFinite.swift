import Graphs
import Kernels
import Tensors

/// Whether no element of any input is NaN or infinite.
///
/// - `input` (any number): float16, bfloat16, float32 or float64, any shape. `output`: bool scalar.
/// - `isinf_only` 1: only infinities count; `isnan_only` 1: only NaN; default both.
/// - Source: com.microsoft IsAllFinite 1. Its documentation: ONNX Runtime has no kernel for its
///   plain processor.
public struct IsAllFinite: Operator {
  public let infinitiesOnly: Bool
  public let nanOnly: Bool

  public static let schema = Schema(
    "IsAllFinite", domain: "com.microsoft", versions: [1],
    inputs: [.variadic("input", .floats, "V")], outputs: [Parameter("output", .bool, "T")],
    attributes: [
      AttributeSpec("isinf_only", .int, "1: only infinities count; default 0"),
      AttributeSpec("isnan_only", .int, "1: only NaN counts; default 0"),
    ],
    cases: {
      let x = try Tensor([1, 2, -3] as [Float])
      return [
        .init(IsAllFinite(), [x, x]), .init(IsAllFinite(), [x, try Tensor([.nan] as [Float])]),
        .init(IsAllFinite(infinitiesOnly: true), [try Tensor([.nan] as [Float])]),
      ]
    })

  public init(infinitiesOnly: Bool = false, nanOnly: Bool = false) {
    self.infinitiesOnly = infinitiesOnly
    self.nanOnly = nanOnly
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    infinitiesOnly = try a.bool("isinf_only", default: false)
    nanOnly = try a.bool("isnan_only", default: false)
  }
  public var attributes: [Attribute] {
    [.bool("isinf_only", infinitiesOnly), .bool("isnan_only", nanOnly)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(.bool, [])] }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let counts = Table(p.inputs.map { $0?.count ?? 0 })
    let dtypes = p.inputs.map { $0?.dtype ?? .float32 }
    let (infinities, nan) = (!nanOnly, !infinitiesOnly)
    return Prepared(label: "finite") { m in
      var isFinite = true
      for i in 0..<counts.count {
        for j in 0..<counts[i] {
          let v = loadNumber(m.inputs[i], j, dtypes[i])
          if nan && v.isNaN || infinities && v.isInfinite { isFinite = false }
        }
      }
      m.output(0, Bool.self)[0] = isFinite
    }
  }
}
