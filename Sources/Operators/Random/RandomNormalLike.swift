import Graphs
import Tensors

/// Random numbers of a normal distribution, as many as the input has elements.
///
/// - `input`: any dtype of whole bytes and shape; its values do not matter.
/// - `dtype`: float16, bfloat16, float32 or float64; default: that of the input.
/// - `mean`: default 0. `scale`: the standard deviation; default 1. `seed`: one seed gives the same draws in each
///   run; default: other draws in each run.
/// - Errors: `.dtype` where the result's dtype is not a float.
/// - Source: ONNX RandomNormalLike 1, 22. Drawn by Philox, computed in float64 and rounded once.
public struct RandomNormalLike: LikeDraw {
  public let dtype: DType?
  public let mean: Float
  public let scale: Float
  public let seed: Float?

  public static let schema = Schema(
    "RandomNormalLike", versions: [1, 22], inputs: [Parameter("input", Random.likeTypes, "")],
    outputs: [Parameter("output", .floats, "T2")],
    attributes: [
      AttributeSpec("dtype", .int, "type number of the result; default the input's"),
      AttributeSpec("mean", .float, "default 0"),
      AttributeSpec("scale", .float, "standard deviation; default 1"),
      Random.seedSpec,
    ],
    isDeterministic: false,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      return [
        .init(RandomNormalLike(seed: 1), [x]), .init(RandomNormalLike(dtype: .float64), [x]),
      ]
    })

  public init(dtype: DType? = nil, mean: Float = 0, scale: Float = 1, seed: Float? = nil) {
    self.dtype = dtype
    self.mean = mean
    self.scale = scale
    self.seed = seed
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    dtype = try Random.optionalDType(a)
    mean = try a.float("mean", default: 0)
    scale = try a.float("scale", default: 1)
    seed = try Random.seed(a)
  }
  public var attributes: [Attribute] {
    [.float("mean", mean), .float("scale", scale)] + (dtype.map { [.dtype("dtype", $0)] } ?? [])
      + (seed.map { [.float("seed", $0)] } ?? [])
  }

  public var distribution: RealDistribution {
    .normal(Double(mean), Double(scale))
  }
  public func shaped(_ shape: [Int], _ dtype: DType) -> RandomNormal {
    RandomNormal(shape: shape, dtype: dtype, mean: mean, scale: scale, seed: seed)
  }
}
