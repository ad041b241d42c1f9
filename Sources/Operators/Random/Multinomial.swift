import Glibc
import Graphs
import Tensors

/// Classes drawn by their log-probabilities, which need not be normalised.
///
/// - `input`: float16, bfloat16, float32 or float64 `[N, classes]`. Output: int32 (default) or int64
///   `[N, sample_size]`.
/// - `sample_size`: default 1. `dtype`: default int32. `seed`: one seed gives the same draws in each
///   run; default: other draws in each run.
/// - Errors: `.shape` for another rank or no classes, `.value` for a row without a finite sum.
/// - Edges: minus infinity is never drawn.
/// - Source: ONNX Multinomial 7, 22. Drawn by Philox.
public struct Multinomial: Operator {
  public let samples: Int
  public let dtype: DType
  public let seed: Float?

  public static let schema = Schema(
    "Multinomial", versions: [7, 22], inputs: [Parameter("input", .floats, "T1")],
    outputs: [Parameter("output", .indices, "T2")],
    attributes: [
      AttributeSpec("sample_size", .int, "draws for each row; default 1"),
      AttributeSpec("dtype", .int, "type number of the result; default 6, int32"),
      Random.seedSpec,
    ],
    isDeterministic: false,
    cases: {
      let x = try Tensor(shape: [2, 3], [0, 0.25, 0.5, 0.75, 1, 0.1] as [Float])
      return [.init(Multinomial(samples: 4, seed: 1), [x])]
    })

  public init(samples: Int = 1, dtype: DType = .int32, seed: Float? = nil) {
    self.samples = samples
    self.dtype = dtype
    self.seed = seed
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    samples = try a.int("sample_size", default: 1)
    dtype = try a.dtype("dtype", default: .int32)
    seed = try Random.seed(a)
  }
  public var attributes: [Attribute] {
    [.int("sample_size", samples), .dtype("dtype", dtype)]
      + (seed.map { [.float("seed", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try Random.check(dtype, .indices)
    guard samples >= 0 else {
      throw EngineError(
        .attribute, "attribute 'sample_size' is out of range", expected: "from 0",
        received: "\(samples)")
    }
    guard let dims = c.dims(0) else { return [Fact(dtype, [c.unknown(), Dim(samples)])] }
    guard dims.count == 2, dims[1].known ?? 1 > 0 else {
      throw EngineError(
        .shape, "expected rows of log-probabilities", expected: "[N, classes]",
        received: "\(dims)")
    }
    return [Fact(dtype, [dims[0], Dim(samples)])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard DTypes.floats.contains(x.dtype) else { throw p.noKernel() }
    let (rows, classes) = (x.shape[0], x.shape[1])
    let (samples, dtype, seed) = (samples, dtype, seed)
    return Prepared(scratchBytes: classes * 8, label: "philox") { (m) throws(EngineError) in
      let stream = Philox(seed: seed)
      let sums = m.scratch.assumingMemoryBound(to: Double.self)
      for r in 0..<rows {
        var largest = -Double.infinity
        for k in 0..<classes {
          largest = max(largest, loadNumber(m.inputs[0], r * classes + k, x.dtype))
        }
        var sum = 0.0
        for k in 0..<classes {
          sum += exp(loadNumber(m.inputs[0], r * classes + k, x.dtype) - largest)
          sums[k] = sum
        }
        guard sum.isFinite, sum > 0 else {
          throw EngineError(
            .value, "row \(r) gives no probabilities", expected: "finite log-probabilities",
            received: "a sum of \(sum)")
        }
        for s in 0..<samples {
          let i = r * samples + s
          let target = stream.uniform(i) * sum
          // The first class whose running sum exceeds the target.
          var (low, high) = (0, classes - 1)
          while low < high {
            let middle = (low + high) / 2
            if sums[middle] > target { high = middle } else { low = middle + 1 }
          }
          storeNumber(Double(low), m.outputs[0], i, dtype)
        }
      }
    }
  }
}
