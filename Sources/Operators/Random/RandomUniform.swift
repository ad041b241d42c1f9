import Graphs
import Tensors

/// Random numbers uniform in `[low, high]`.
///
/// - `shape`: of the result; required. `dtype`: float16, bfloat16, float32 (default) or float64.
/// - `low`: default 0. `high`: default 1. `seed`: one seed gives the same draws in each
///   run; default: other draws in each run.
/// - Errors: `.attribute` without a shape, `.shape` for an illegal one, `.dtype` for another dtype.
/// - Source: ONNX RandomUniform 1, 22. Drawn by Philox, computed in float64 and rounded once.
public struct RandomUniform: ShapedDraw {
  public let shape: [Int]
  public let dtype: DType
  public let low: Float
  public let high: Float
  public let seed: Float?

  public static let schema = Schema(
    "RandomUniform", versions: [1, 22], inputs: [], outputs: [Parameter("output", .floats)],
    attributes: [
      AttributeSpec("shape", .ints, "of the result; required"),
      AttributeSpec("dtype", .int, "type number of the result; default 1, float"),
      AttributeSpec("low", .float, "lowest value; default 0"),
      AttributeSpec("high", .float, "highest value; default 1"),
      Random.seedSpec,
    ],
    isDeterministic: false, cases: { [.init(RandomUniform(shape: [2, 3], seed: 1), [])] })

  public init(
    shape: [Int], dtype: DType = .float32, low: Float = 0, high: Float = 1, seed: Float? = nil
  ) {
    self.shape = shape
    self.dtype = dtype
    self.low = low
    self.high = high
    self.seed = seed
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    shape = try a.ints("shape")
    dtype = try a.dtype("dtype", default: .float32)
    low = try a.float("low", default: 0)
    high = try a.float("high", default: 1)
    seed = try Random.seed(a)
  }
  public var attributes: [Attribute] {
    [
      .ints("shape", shape), .dtype("dtype", dtype), .float("low", low), .float("high", high),
    ] + (seed.map { [.float("seed", $0)] } ?? [])
  }

  public var distribution: RealDistribution {
    .uniform(Double(low), Double(high) - Double(low))
  }
}
