import Graphs
import Tensors

/// Random numbers of a normal distribution.
///
/// - `shape`: of the result; required. `dtype`: float16, bfloat16, float32 (default) or float64.
/// - `mean`: default 0. `scale`: the standard deviation; default 1. `seed`: one seed gives the same draws in each
///   run; default: other draws in each run.
/// - Errors: `.attribute` without a shape, `.shape` for an illegal one, `.dtype` for another dtype.
/// - Source: ONNX RandomNormal 1, 22. Drawn by Philox, computed in float64 and rounded once.
public struct RandomNormal: ShapedDraw {
  public let shape: [Int]
  public let dtype: DType
  public let mean: Float
  public let scale: Float
  public let seed: Float?

  public static let schema = Schema(
    "RandomNormal", versions: [1, 22], inputs: [], outputs: [Parameter("output", .floats)],
    attributes: [
      AttributeSpec("shape", .ints, "of the result; required"),
      AttributeSpec("dtype", .int, "type number of the result; default 1, float"),
      AttributeSpec("mean", .float, "default 0"),
      AttributeSpec("scale", .float, "standard deviation; default 1"),
      Random.seedSpec,
    ],
    isDeterministic: false, cases: { [.init(RandomNormal(shape: [2, 3], seed: 1), [])] })

  public init(
    shape: [Int], dtype: DType = .float32, mean: Float = 0, scale: Float = 1, seed: Float? = nil
  ) {
    self.shape = shape
    self.dtype = dtype
    self.mean = mean
    self.scale = scale
    self.seed = seed
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    shape = try a.ints("shape")
    dtype = try a.dtype("dtype", default: .float32)
    mean = try a.float("mean", default: 0)
    scale = try a.float("scale", default: 1)
    seed = try Random.seed(a)
  }
  public var attributes: [Attribute] {
    [
      .ints("shape", shape), .dtype("dtype", dtype), .float("mean", mean), .float("scale", scale),
    ] + (seed.map { [.float("seed", $0)] } ?? [])
  }

  public var distribution: RealDistribution {
    .normal(Double(mean), Double(scale))
  }
}
