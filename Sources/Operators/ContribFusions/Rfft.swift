import Graphs
import Tensors

/// One side of the Fourier transform of real signals along the last axis.
///
/// - `X`: float16, float32 or float64 `[..., n]`; `Y`: its type `[..., n / 2 + 1, 2]`, real and
///   imaginary parts.
/// - `onesided` 1, `normalized` 0, `signal_ndim` 1: other values are not supported.
/// - Accuracy: as DFT.
/// - Source: com.microsoft Rfft 1. Its documentation: ONNX Runtime has no kernel for its plain
///   processor.
public struct Rfft: CompositeOperator {
  static let specs = [
    AttributeSpec("normalized", .int, "must be 0"),
    AttributeSpec("onesided", .int, "must be 1"),
    AttributeSpec("signal_ndim", .int, "axes of the signal; must be 1"),
  ]
  static let written: [Attribute] = [
    .int("normalized", 0), .int("onesided", 1), .int("signal_ndim", 1),
  ]

  public static let schema = Schema(
    "Rfft", domain: "com.microsoft", versions: [1], inputs: [Parameter("X", FusedConv.types)],
    outputs: [Parameter("Y", FusedConv.types)], attributes: specs,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 4], [1, -2, 3, 0.5, 0.25, 2, -1, 4] as [Float])
      return [.init(Rfft(), [x])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) { try Rfft.check(a) }
  public var attributes: [Attribute] { Rfft.written }

  /// Errors: `.unsupported` for attributes other than the one legal value.
  static func check(_ a: AttributeReader) throws(EngineError) {
    for (name, legal) in [("normalized", 0), ("onesided", 1), ("signal_ndim", 1)] {
      let value = try a.int(name, default: legal)
      guard value == legal else {
        throw EngineError(
          .unsupported, "attribute '\(name)' of \(a.operatorName)", expected: "\(legal)",
          received: "\(value)")
      }
    }
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "an input is missing") }
    let last = try b.constant(Tensor([-1] as [Int64]))
    return Few(try b.apply(DFT(isOneSided: true), b.apply(Unsqueeze(), x, last)))
  }
}
