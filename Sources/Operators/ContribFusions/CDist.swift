import Graphs
import Kernels
import Tensors

/// The distance of every row of one matrix from every row of another.
///
/// - `A`: float32 or float64 `[M, N]`; `B`: its type `[K, N]`; `C`: its type `[M, K]`.
/// - `metric`: sqeuclidean (default), the sum of squared differences, or euclidean, its root.
/// - Errors: `.shape` for rows that differ in length; `.unsupported` for other metrics.
/// - Accuracy: sums of squared differences in float64, not ONNX Runtime's expansion into products.
/// - Source: com.microsoft CDist 1. ONNX Runtime's kernel has these two metrics.
public struct CDist: FormulaGradient {
  public let takesRoot: Bool

  static let types = DTypes(.float32, .float64)
  public static let schema = Schema(
    "CDist", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("A", types), Parameter("B", types)], outputs: [Parameter("C", types)],
    attributes: [AttributeSpec("metric", .string, "sqeuclidean (default) or euclidean")],
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [3, 2], [1, 2, -3, 0.5, 4, -1] as [Float])
      let b = try Tensor(shape: [2, 2], [0.25, -1.5, 2, 2] as [Float])
      return [.init(CDist(), [a, b]), .init(CDist(takesRoot: true), [b, a])]
    })

  public init(takesRoot: Bool = false) { self.takesRoot = takesRoot }
  public init(reading a: AttributeReader) throws(EngineError) {
    let metric = try a.string("metric", default: "sqeuclidean")
    guard metric == "sqeuclidean" || metric == "euclidean" else {
      throw EngineError(
        .unsupported, "the metric is not known", expected: "sqeuclidean or euclidean",
        received: "'\(metric)'")
    }
    takesRoot = metric == "euclidean"
  }
  public var attributes: [Attribute] {
    [.string("metric", takesRoot ? "euclidean" : "sqeuclidean")]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try checkSameDType(c.dtype(0), c.dtype(1))
    for i in 0..<2 {
      if let rank = c.rank(i), rank != 2 {
        throw EngineError(
          .shape, "input \(i) is no matrix", expected: "rank 2", received: "rank \(rank)")
      }
    }
    let (a, b) = (c.dims(0), c.dims(1))
    if let n = a?[1].known, let m = b?[1].known, n != m {
      throw EngineError(
        .shape, "the rows differ in length", expected: "\(n) as in A", received: "\(m) in B")
    }
    return [Fact(c.dtype(0) ?? c.dtype(1), [a?[0] ?? c.unknown(), b?[0] ?? c.unknown()])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (a, y) = (try p.input(0), try p.output(0))
    guard Self.types.contains(a.dtype), try p.input(1).dtype == a.dtype else { throw p.noKernel() }
    let (rows, columns, n, dtype) = (y.shape[0], y.shape[1], a.shape[1], a.dtype)
    let takesRoot = takesRoot
    return Prepared(label: "distances") { m in
      m.pool.run(rows) { r in
        for k in 0..<columns {
          var sum = 0.0
          for i in 0..<n {
            let d =
              loadNumber(m.inputs[0], r * n + i, dtype) - loadNumber(m.inputs[1], k * n + i, dtype)
            sum += d * d
          }
          let value = takesRoot ? sum.squareRoot() : sum
          storeNumber(value, m.outputs[0], r * columns + k, dtype)
        }
      }
    }
  }
}

extension CDist {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let y = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    let distance = try minus(
      b, b.apply(Unsqueeze(axes: [1]), x), b.apply(Unsqueeze(axes: [0]), y))
    let square = try sum(b, times(b, distance, distance), [2], keepDims: false)
    if !takesRoot { return Few(square) }
    // The root's slope at 0 has no value; 0 stands for it.
    let root = try b.apply(Sqrt(), nonzero(b, square))
    return Few(try masked(b, root, where: isGreater(b, square, 0)))
  }
}
