import Graphs
import Tensors

/// The cheapest path through a matrix of costs from its first element to its last.
///
/// Each step goes to the next row, the next column or both; of equally cheap ways the one from the
/// column before is taken.
///
/// - `input`: float32 `[M, N]` or `[1, M, N]`, not empty. `output`: int32 `[2, steps]`, rows and
///   then columns of the path.
/// - Errors: `.shape` for other shapes.
/// - Source: com.microsoft DynamicTimeWarping 1.
public struct DynamicTimeWarping: Operator {
  public static let schema = Schema(
    "DynamicTimeWarping", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("input", DTypes(.float32), "F")],
    outputs: [Parameter("output", DTypes(.int32), "I")],
    cases: {
      let costs = try Tensor(shape: [3, 4], [1, 3, 4, 2, 5, 1, 2, 6, 7, 4, 1, 0.5] as [Float])
      return [.init(DynamicTimeWarping(), [costs])]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0) {
      guard x.count == 2 || x.count == 3 && (x[0].known ?? 1) == 1 else {
        throw EngineError(
          .shape, "the input is no matrix", expected: "[M, N] or [1, M, N]", received: "\(x)")
      }
    }
    return [Fact(.int32, [2, c.unknown()])]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    let rank = x.shape.rank
    guard rank >= 2, x.count > 0 else {
      throw EngineError(.shape, "the costs are empty", received: "\(x.shape)")
    }
    let (rows, columns) = (x.shape[rank - 2], x.shape[rank - 1])
    let costs = x.elements(Float.self)
    // One row and column more than the costs; how each place was reached: 0 from both, 1 from the
    // row before, 2 from the column before.
    let width = columns + 1
    var total = [Float](repeating: .infinity, count: (rows + 1) * width)
    var way = [UInt8](repeating: 0, count: total.count)
    total[0] = 0
    for j in 0..<width { way[j] = 2 }
    for i in 1...rows {
      way[i * width] = 1
      for j in 1...columns {
        let both = total[(i - 1) * width + j - 1]
        let (row, column) = (total[(i - 1) * width + j], total[i * width + j - 1])
        let from: (Float, UInt8) =
          both < row && both < column
          ? (both, 0) : row < both && row < column ? (row, 1) : (column, 2)
        total[i * width + j] = costs[(i - 1) * columns + j - 1] + from.0
        way[i * width + j] = from.1
      }
    }
    var path: [(Int32, Int32)] = []
    var (i, j) = (rows, columns)
    while i > 0 || j > 0 {
      path.append((Int32(i - 1), Int32(j - 1)))
      let from = way[i * width + j]
      if from != 2 { i -= 1 }
      if from != 1 { j -= 1 }
    }
    path.reverse()
    return [
      .tensor(try Tensor(shape: [2, path.count], path.map(\.0) + path.map(\.1)))
    ]
  }
}
