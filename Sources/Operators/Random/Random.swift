import Graphs
import Kernels
import Tensors

/// Operators that draw random numbers.
enum Random {
  static let operators: [any Operator.Type] = [
    Bernoulli.self,
    Multinomial.self,
    RandomNormal.self,
    RandomNormalLike.self,
    RandomUniform.self,
    RandomUniformLike.self,
  ]

  static let seedSpec = AttributeSpec(
    "seed", .float, "draws repeat for one seed; default: other draws in each run")
  static let likeTypes: DTypes = [.numeric, .bool, .string, .complex]

  static func seed(_ a: AttributeReader) throws(EngineError) -> Float? {
    a.has("seed") ? try a.float("seed") : nil
  }
  static func optionalDType(_ a: AttributeReader) throws(EngineError) -> DType? {
    a.has("dtype") ? try a.dtype("dtype", default: .float32) : nil
  }

  /// Refuses a result's dtype that is not among `types`.
  static func check(_ dtype: DType?, _ types: DTypes) throws(EngineError) {
    guard let dtype, !types.contains(dtype) else { return }
    throw EngineError(
      .dtype, "no draws of this element type",
      expected: types.list.map { "\($0)" }.joined(separator: ", "), received: "\(dtype)")
  }

  /// The kernel that fills output 0.
  static func fill(
    _ p: Preparation, seed: Float?, _ distribution: RealDistribution
  ) throws(EngineError) -> Prepared {
    let type = try p.output(0)
    guard DTypes.floats.contains(type.dtype) else { throw p.noKernel() }
    let count = type.count
    let dtype = type.dtype
    let piece = 4096
    return Prepared(label: "philox") { m in
      let stream = Philox(seed: seed)
      let y = m.outputs[0]
      m.pool.run((count + piece - 1) / piece) { k in
        let range = k * piece..<min(count, (k + 1) * piece)
        switch distribution {
        case .uniform(let low, let width):
          for i in range { storeNumber(low + width * stream.uniform(i), y, i, dtype) }
        case .normal(let mean, let scale):
          for i in range { storeNumber(mean + scale * stream.normal(i), y, i, dtype) }
        }
      }
    }
  }
}
