import Graphs
import Kernels
import Tensors

/// Tables side by side in one float32 table.
///
/// - `X...`: float32, float64, int32 or int64, one type for all, `[N, C]` or `[C]`, which is one
///   row; further axes count as columns. `Y`: float32 `[N, sum of inputdimensions]`.
/// - `inputdimensions`: columns to take of each input; where an input has fewer, zeros follow, and
///   what it has beyond them is left out. Default: all columns.
/// - Errors: `.attribute` for another number of dimensions than inputs or a negative one, `.shape`
///   when inputs differ in rows or have no axis, `.dtype` when types differ.
/// - Source: ai.onnx.ml FeatureVectorizer 1; filling and cutting as ONNX Runtime does.
public struct FeatureVectorizer: FormulaGradient {
  public let dimensions: [Int]

  public static let schema = Schema(
    "FeatureVectorizer", domain: Classical.domain, versions: [1],
    inputs: [.variadic("X", Classical.numbers, "T1")],
    outputs: [Parameter("Y", DTypes(.float32), "")],
    attributes: [AttributeSpec("inputdimensions", .ints, "columns of each input")],
    inputCounts: [1: 1...Int.max],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2], [1, 2, 3, 4] as [Float])
      let y = try Tensor(shape: [2, 1], [5, 6] as [Float])
      return [
        .init(try FeatureVectorizer([2, 1]), [x, y]),
        .init(try FeatureVectorizer([1, 3]), [x, y]), .init(try FeatureVectorizer(), [x, y]),
      ]
    })

  public init(_ dimensions: [Int] = []) throws(EngineError) {
    self.dimensions = dimensions
    var total = 0
    for d in dimensions {
      let (next, overflow) = total.addingReportingOverflow(d)
      guard d >= 0, !overflow else {
        throw EngineError(
          .attribute, "'inputdimensions' holds no number of columns", received: "\(d)")
      }
      total = next
    }
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(a.ints("inputdimensions", default: []))
    guard dimensions.isEmpty || dimensions.count == a.inputCount else {
      throw EngineError(
        .attribute, "'inputdimensions' and inputs differ in number", expected: "\(a.inputCount)",
        received: "\(dimensions.count)")
    }
  }
  public var attributes: [Attribute] {
    dimensions.isEmpty ? [] : [.ints("inputdimensions", dimensions)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    var rows: Dim?
    var columns: Dim? = 0
    for i in c.inputs.indices {
      if let a = c.dtype(0), let b = c.dtype(i), a != b {
        throw EngineError(
          .dtype, "input \(i) has another element type", expected: "\(a)", received: "\(b)")
      }
      guard let dims = c.dims(i) else {
        columns = nil
        continue
      }
      guard let first = dims.first else {
        throw EngineError(.shape, "input \(i) is a scalar", expected: "[N, C] or [C]")
      }
      let n: Dim = dims.count == 1 ? 1 : first
      if let a = rows?.known, let b = n.known, a != b {
        throw EngineError(
          .shape, "input \(i) has another number of rows", expected: "\(a)", received: "\(b)")
      }
      if rows?.known == nil { rows = n }
      columns = columns.map { $0 + (dims.count == 1 ? first : dims.dropFirst().reduce(1, *)) }
    }
    let total = dimensions.isEmpty ? columns : Dim(dimensions.reduce(0, +))
    return [Fact(.float32, [rows ?? c.unknown(), total ?? c.unknown()])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    let (rows, width) = (y.shape[0], y.shape[1])
    let x = try p.input(0)
    guard let cast = CastKernel(x.dtype, .float32) else { throw p.noKernel() }
    var own: [Int] = []
    for i in p.inputs.indices { own.append(rows == 0 ? 0 : try p.input(i).count / rows) }
    let taken = dimensions.isEmpty ? own : dimensions
    let (have, take) = (Table(own), Table(taken))
    let bytes = x.dtype.byteSize
    let isLarge = rows * width >= 1 << 15
    return Prepared { m in
      let out = m.output(0, Float.self)
      let pieces = isLarge ? min(rows, m.pool.threads * 2) : 1
      m.pool.run(pieces) { piece in
        for r in (rows * piece / pieces)..<(rows * (piece + 1) / pieces) {
          var to = out + r * width
          for i in 0..<have.count {
            let n = min(have[i], take[i])
            cast.run(count: n, m.inputs[i] + r * have[i] * bytes, to)
            for j in n..<max(n, take[i]) { to[j] = 0 }
            to += take[i]
          }
        }
      }
    }
  }
}

extension FeatureVectorizer {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    var columns: [B.Value] = []
    for i in 0..<inputs.count {
      guard let given = inputs[i] else { throw EngineError(.arity, "input \(i) is missing") }
      let x = try b.apply(Cast(to: .float32), given)
      let table = try reshape(b, x, knownRank(b, x) == 1 ? [1, -1] : [0, -1])
      columns.append(dimensions.isEmpty ? table : try fitted(b, table, axis: 1, dimensions[i]))
    }
    return Few(try b.apply(Concat(axis: 1), inputs: columns))
  }
}
