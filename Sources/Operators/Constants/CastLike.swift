import Graphs
import Kernels
import Tensors

/// Converts elements to the type of another tensor; see `Cast`.
///
/// - `input`: every dtype but complex, any shape. `target_type`: gives the type; its contents and
///   shape do not matter.
/// - `saturate`, `round_mode`: as in `Cast`.
/// - Errors: `.dtype` for complex, `.value` for text that is no number.
/// - Gradient: the upstream in the input's type; none where a type is no float.
/// - Source: ONNX CastLike 15, 19, 21, 23, 24, 25.
public struct CastLike: Operator {
  public let saturate: Bool
  public let rounding: NarrowFloat.Rounding

  public static let schema = Schema(
    "CastLike", versions: [15, 19, 21, 23, 24, 25],
    inputs: [Parameter("input", Cast.types, "T1"), Parameter("target_type", Cast.types, "T2")],
    outputs: [Parameter("output", Cast.types, "T2")],
    attributes: [
      AttributeSpec(
        "saturate", .int, "8-bit floats stop at their largest number; default 1", since: 19),
      AttributeSpec(
        "round_mode", .string, "up, down or nearest for float8e8m0; default up", since: 24),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      return [
        .init(CastLike(), [x, try Tensor([0] as [Double])]),
        .init(CastLike(), [x, try Tensor([0] as [Int8])]),
      ]
    })

  public init(saturate: Bool = true, rounding: NarrowFloat.Rounding = .up) {
    self.saturate = saturate
    self.rounding = rounding
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    saturate = try a.bool("saturate", default: true)
    rounding = try readRounding(a)
  }

  public var attributes: [Attribute] { conversionAttributes(saturate, rounding) }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.tensor(c.dtype(1), c.dims(0)), elements: convertedElements(c, c.dtype(1)))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try prepareConversion(p, p.input(1).dtype, saturate, rounding)
  }

  /// Strings.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    [.tensor(try convertText(e.tensor(0), e.tensor(1).dtype, saturate, rounding))]
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let (x, like) = (try g.input(0), try g.input(1))
    if b.fact(of: x).dtype?.isFloat != false, b.fact(of: like).dtype?.isFloat != false {
      g.give(0, try b.apply(CastLike(), g.upstream(), x))
    }
  }
}
