import Graphs
import Kernels
import Tensors

/// The determinant of square matrices: `[..., M, M]` to `[...]`.
///
/// - `X`: float dtypes, rank 2 or more, the last two axes of one size.
/// - Errors: `.shape` for a rank below 2 or matrices that are not square.
/// - Edges: a matrix without rows has determinant 1; a singular one 0.
/// - Gradient: `dY Y X^-T`; of a singular matrix NaN.
/// - Accuracy: elimination with row exchanges in float64, rounded once.
/// - Source: ONNX Det 11, 22.
public struct Det: Operator {
  public static let schema = Schema(
    "Det", versions: [11, 22], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 2], [0, 1, 2, 3, 4.5, -1, 2, 0.5] as [Float])
      let one = try Tensor(shape: [3, 3], [2, -1, 0.5, 1, 3, -2, 0, 4, 1] as [Float])
      return [.init(Det(), [x]), .init(Det(), [one])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    guard x.count >= 2 else {
      throw EngineError(
        .shape, "the input is no matrix", expected: "rank 2 or more", received: "\(x)")
    }
    if let m = x[x.count - 1].known, let n = x[x.count - 2].known, m != n {
      throw EngineError(
        .shape, "the matrices are not square", expected: "two equal sizes", received: "\(x)")
    }
    return [Fact(c.dtype(0), Array(x.dropLast(2)))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, y) = (try p.input(0), try p.output(0))
    let n = x.shape[x.shape.rank - 1]
    let count = y.count
    guard x.dtype == .float32 || x.dtype == .float64 else { throw p.noKernel() }
    let isDouble = x.dtype == .float64
    return Prepared(scratchBytes: n * n * 8, label: "det") { m in
      let a = m.scratch.assumingMemoryBound(to: Double.self)
      for i in 0..<count {
        if isDouble {
          a.update(from: m.input(0, Double.self) + i * n * n, count: n * n)
        } else {
          let x = m.input(0, Float.self) + i * n * n
          for j in 0..<n * n { a[j] = Double(x[j]) }
        }
        let d = Det.eliminate(a, n)
        if isDouble {
          m.output(0, Double.self)[i] = d
        } else {
          m.output(0, Float.self)[i] = Float(d)
        }
      }
    }
  }

  /// The determinant of the `n` by `n` matrix at `a`, which is used up.
  private static func eliminate(_ a: UnsafeMutablePointer<Double>, _ n: Int) -> Double {
    var result = 1.0
    for k in 0..<n {
      var pivot = k
      for i in k..<n where a[i * n + k].magnitude > a[pivot * n + k].magnitude { pivot = i }
      if pivot != k {
        for j in k..<n { (a[k * n + j], a[pivot * n + j]) = (a[pivot * n + j], a[k * n + j]) }
        result = -result
      }
      let diagonal = a[k * n + k]
      result *= diagonal
      if diagonal == 0 { return result }
      for i in k + 1..<max(n, k + 1) {
        let (row, top) = (a + i * n, a + k * n)
        let factor = row[k] / diagonal
        for j in k + 1..<n { row[j] -= factor * top[j] }
      }
    }
    return result
  }
}

extension Det {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    let factor = try b.apply(Unsqueeze(axes: [-2, -1]), times(b, g.upstream(), g.output))
    g.give(0, try times(b, factor, turned(b, b.apply(Inverse(), x))))
  }
}
