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
    let piece = 2048
    return Prepared(label: "philox") { m in
      let draws = Philox(seed: seed).draws
      let y = m.outputs[0]
      m.pool.run((count + piece - 1) / piece) { k in
        let end = min(count, (k + 1) * piece)
        // No more than fits the stack.
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 128) { drawn in
          guard let drawn = drawn.baseAddress else { return }
          for first in stride(from: k * piece, to: end, by: 128) {
            let some = min(128, end - first)
            let (shift, factor): (Double, Double)
            switch distribution {
            case .uniform(let low, let width):
              (shift, factor) = (low, width)
              draws.uniform(first, count: some, into: drawn)
            case .normal(let mean, let scale):
              (shift, factor) = (mean, scale)
              draws.normal(first, count: some, into: drawn)
            }
            if dtype == .float32 {
              let y = y.assumingMemoryBound(to: Float.self) + first
              for i in 0..<some { y[i] = Float(shift + factor * drawn[i]) }
            } else {
              for i in 0..<some { storeNumber(shift + factor * drawn[i], y, first + i, dtype) }
            }
          }
        }
      }
    }
  }
}
