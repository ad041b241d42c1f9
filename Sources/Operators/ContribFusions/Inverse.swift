import Graphs
import Kernels
import Tensors

/// The inverse of each square matrix: `X Y = 1`.
///
/// - `X`: float16, float32 or float64 `[..., N, N]`; `Y`: its type and shape.
/// - Errors: `.shape` for matrices that are not square.
/// - Edges: a singular matrix gives infinities and NaN.
/// - Accuracy: Gauss-Jordan elimination with row pivots in float64.
/// - Source: com.microsoft Inverse 1.
public struct Inverse: Operator {
  public static let schema = Schema(
    "Inverse", domain: "com.microsoft", versions: [1], inputs: [Parameter("X", FusedConv.types)],
    outputs: [Parameter("Y", FusedConv.types)],
    isDifferentiable: true,
    cases: {
      let x: [Float] = [0, 1, 2, 0.5, 3, -1, 0.25, 2]
      return [
        .init(Inverse(), [try Tensor(shape: [2, 2, 2], x)]),
        .init(Inverse(), [try Tensor(shape: [3, 3], [4, 1, 2, 0, 3, -1, 1, 1, 5] as [Float])]),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0) {
      let n = x.suffix(2).map(\.known)
      guard n.count == 2, n[0] == nil || n[1] == nil || n[0] == n[1] else {
        throw EngineError(
          .shape, "the input holds no square matrices", expected: "[..., N, N]", received: "\(x)")
      }
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard FusedConv.types.contains(x.dtype), x.shape.rank >= 2 else { throw p.noKernel() }
    let n = x.shape[x.shape.rank - 1]
    let (count, dtype) = (n == 0 ? 0 : x.count / (n * n), x.dtype)
    let pieces = max(1, min(p.options.threads, count))
    let each = n * n * 2
    return Prepared(scratchBytes: pieces * each * 8, label: "inverse") { m in
      m.pool.run(pieces) { piece in
        let rows = m.scratch.assumingMemoryBound(to: Double.self) + piece * each
        for i in piece * count / pieces..<(piece + 1) * count / pieces {
          for r in 0..<n {
            for j in 0..<n {
              rows[r * 2 * n + j] = loadNumber(m.inputs[0], (i * n + r) * n + j, dtype)
              rows[r * 2 * n + n + j] = r == j ? 1 : 0
            }
          }
          Inverse.eliminate(rows, n)
          for r in 0..<n {
            for j in 0..<n {
              storeNumber(rows[r * 2 * n + n + j], m.outputs[0], (i * n + r) * n + j, dtype)
            }
          }
        }
      }
    }
  }

  /// Turns `[n, 2 n]` of a matrix and the unit matrix into the unit matrix and the inverse.
  private static func eliminate(_ rows: UnsafeMutablePointer<Double>, _ n: Int) {
    let width = 2 * n
    for k in 0..<n {
      var pivot = k
      for r in k + 1..<max(n, k + 1) where abs(rows[r * width + k]) > abs(rows[pivot * width + k]) {
        pivot = r
      }
      if pivot != k {
        for j in 0..<width {
          let held = rows[k * width + j]
          rows[k * width + j] = rows[pivot * width + j]
          rows[pivot * width + j] = held
        }
      }
      let scale = 1 / rows[k * width + k]
      for j in 0..<width { rows[k * width + j] *= scale }
      for r in 0..<n where r != k {
        let factor = rows[r * width + k]
        if factor == 0 { continue }
        for j in 0..<width { rows[r * width + j] -= factor * rows[k * width + j] }
      }
    }
  }
}

extension Inverse {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let left = try turned(b, g.output)
    let product = try b.apply(MatMul(), b.apply(MatMul(), left, g.upstream()), left)
    g.give(0, try b.apply(Neg(), product))
  }
}
