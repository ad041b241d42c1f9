import Graphs
import Kernels
import Tensors

/// Rows divided by their norm, in float32.
///
/// - Formula: MAX `Y = X / max(X)`, the greatest element, not the greatest magnitude; L1
///   `Y = X / sum |X|`; L2 `Y = X / sqrt(sum X^2)`. A row whose divisor is 0 stays as it is.
/// - `X`: float32, float64, int32 or int64, `[N, F]` or `[F]`, which is one row; taken in float32.
///   `Y`: float32 of X's shape.
/// - `norm`: MAX (default), L1 or L2.
/// - Errors: `.shape` for other ranks.
/// - Source: ai.onnx.ml Normalizer 1.
public struct Normalizer: FormulaGradient {
  public enum Norm: String, Hashable, Sendable, CaseIterable {
    case max = "MAX"
    case l1 = "L1"
    case l2 = "L2"
  }
  public let norm: Norm

  public static let schema = Schema(
    "Normalizer", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", Classical.numbers)],
    outputs: [Parameter("Y", DTypes(.float32), "")],
    attributes: [AttributeSpec("norm", .string, "MAX (default), L1 or L2")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, -3, 4, 5, 6] as [Float])
      let zeros = try Tensor(shape: [2, 3], [1, 2, -3, 0, 0, 0] as [Int64])
      return Norm.allCases.flatMap {
        [.init(Normalizer($0), [x]), .init(Normalizer($0), [zeros])]
      }
    })

  public init(_ norm: Norm = .max) { self.norm = norm }
  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string("norm", default: "MAX", oneOf: Norm.allCases.map(\.rawValue))
    norm = Norm(rawValue: name) ?? .max
  }
  public var attributes: [Attribute] { [.string("norm", norm.rawValue)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    _ = try FeatureRows.sizes(c.dims(0))
    return [Fact(.float32, c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let rows = try FeatureRows(x, floatsPerRow: 0, threads: p.options.threads)
    let n = rows.features
    let norm = norm
    return Prepared(
      scratchBytes: rows.scratchBytes, inPlace: x.dtype == .float32 ? 1 : 0,
      label: "normalize \(norm)"
    ) { m in
      let y = m.output(0, Float.self)
      rows.run(m.inputs[0], scratch: m.scratch, pool: m.pool) { range, x, _ in
        for r in 0..<range.count {
          let row = x + r * n
          let out = y + (range.lowerBound + r) * n
          var divisor: Float = 0
          switch norm {
          case .max:
            divisor = -Float.greatestFiniteMagnitude
            for i in 0..<n where row[i] > divisor { divisor = row[i] }
          case .l1: for i in 0..<n { divisor += row[i].magnitude }
          case .l2: divisor = Float.sumOfSquares(row, n).squareRoot()
          }
          if divisor == 0 { divisor = 1 }
          for i in 0..<n { out[i] = row[i] / divisor }
        }
      }
    }
  }
}

extension Normalizer {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let given = inputs[0] else { throw EngineError(.arity, "the input is missing") }
    let x = try b.apply(Cast(to: .float32), given)
    let last = try knownRank(b, x) - 1
    let divisor: B.Value
    switch norm {
    case .max: divisor = try nonzero(b, folded(b, ReduceMax(), x, [last]))
    case .l1: divisor = try nonzero(b, sum(b, b.apply(Abs(), x), [last]))
    case .l2: divisor = try b.apply(Sqrt(), nonzero(b, sum(b, times(b, x, x), [last])))
    }
    return Few(try over(b, x, divisor))
  }
}
