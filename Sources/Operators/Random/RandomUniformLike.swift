import Graphs
import Tensors

/// Random numbers uniform in `[low, high]`, as many as the input has elements.
///
/// - `input`: any dtype of whole bytes and shape; its values do not matter.
/// - `dtype`: float16, bfloat16, float32 or float64; default: that of the input.
/// - `low`: default 0. `high`: default 1. `seed`: one seed gives the same draws in each
///   run; default: other draws in each run.
/// - Errors: `.dtype` where the result's dtype is not a float.
/// - Source: ONNX RandomUniformLike 1, 22. Drawn by Philox, computed in float64 and rounded once.
public struct RandomUniformLike: LikeDraw {
  public let dtype: DType?
  public let low: Float
  public let high: Float
  public let seed: Float?

  public static let schema = Schema(
    "RandomUniformLike", versions: [1, 22], inputs: [Parameter("input", Random.likeTypes, "")],
    outputs: [Parameter("output", .floats, "T2")],
    attributes: [
      AttributeSpec("dtype", .int, "type number of the result; default the input's"),
      AttributeSpec("low", .float, "lowest value; default 0"),
      AttributeSpec("high", .float, "highest value; default 1"),
      Random.seedSpec,
    ],
    isDeterministic: false,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      return [
        .init(RandomUniformLike(seed: 1), [x]), .init(RandomUniformLike(dtype: .float64), [x]),
      ]
    })

  public init(dtype: DType? = nil, low: Float = 0, high: Float = 1, seed: Float? = nil) {
    self.dtype = dtype
    self.low = low
    self.high = high
    self.seed = seed
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    dtype = try Random.optionalDType(a)
    low = try a.float("low", default: 0)
    high = try a.float("high", default: 1)
    seed = try Random.seed(a)
  }
  public var attributes: [Attribute] {
    [.float("low", low), .float("high", high)] + (dtype.map { [.dtype("dtype", $0)] } ?? [])
      + (seed.map { [.float("seed", $0)] } ?? [])
  }

  public var distribution: RealDistribution {
    .uniform(Double(low), Double(high) - Double(low))
  }
  public func shaped(_ shape: [Int], _ dtype: DType) -> RandomUniform {
    RandomUniform(shape: shape, dtype: dtype, low: low, high: high, seed: seed)
  }
}
