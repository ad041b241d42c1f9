import Graphs
import Tensors

/// The upper or lower triangle of each matrix, zeros elsewhere.
///
/// - Formula: upper keeps `[.., i, j]` where `j - i >= k`, lower where `j - i <= k`.
/// - `input`: any dtype of whole bytes, or strings (which become empty); `[..., N, M]`. `k`: int64,
///   one element, default 0.
/// - `upper`: 1 (default) or 0.
/// - Errors: `.shape` when the rank is below 2 or `k` is not one element.
/// - Gradient: the same triangle of the upstream.
/// - Source: ONNX Trilu 14.
public struct Trilu: Operator {
  public let isUpper: Bool

  public static let schema = Schema(
    "Trilu", versions: [14],
    inputs: [Parameter("input", Expand.types), .optional("k", .int64, "")],
    outputs: [Parameter("output", Expand.types)],
    attributes: [AttributeSpec("upper", .int, "1 (default): the upper triangle; 0: the lower")],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3, 4], (1...24).map { Float($0) })
      return [
        .init(Trilu(), [x]), .init(Trilu(isUpper: false), [x, try Tensor(scalar: -1 as Int64)]),
      ]
    })

  public init(isUpper: Bool = true) { self.isUpper = isUpper }
  public init(reading a: AttributeReader) throws(EngineError) {
    isUpper = try a.bool("upper", default: true)
  }
  public var attributes: [Attribute] { [.bool("upper", isUpper)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count < 2 {
      throw EngineError(.shape, "the input is no matrix", expected: "rank from 2", received: "\(x)")
    }
    if let k = c.dims(1)?.reduce(1, *).known, k != 1 {
      throw EngineError(.shape, "k is not one element", received: "\(k) elements")
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let columns = x.shape[x.shape.rank - 1]
    let rows = x.shape[x.shape.rank - 2]
    let count = x.count
    let size = x.dtype.byteSize
    let hasK = p.has(1)
    return Prepared { m in
      if count == 0 { return }
      // Clamped, so that the arithmetic below cannot overflow.
      let k = hasK ? min(max(Int(m.input(1, Int64.self)[0]), -rows - 1), columns + 1) : 0
      for row in 0..<count / columns {
        let i = row % rows
        // Columns from `cut` on belong to the upper triangle.
        let cut = min(max(isUpper ? i + k : i + k + 1, 0), columns)
        let to = m.outputs[0] + row * columns * size
        let from = m.inputs[0] + row * columns * size
        let kept = isUpper ? cut..<columns : 0..<cut
        let zeros = isUpper ? 0..<cut : cut..<columns
        (to + zeros.lowerBound * size).initializeMemory(
          as: UInt8.self, repeating: 0, count: zeros.count * size)
        (to + kept.lowerBound * size).copyMemory(
          from: from + kept.lowerBound * size, byteCount: kept.count * size)
      }
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let k: B.Value? = g.has(1) ? try g.input(1) : nil
    g.give(0, try b.apply(self, inputs: [try g.upstream(), k]))
  }
}
