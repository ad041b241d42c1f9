import Tensors
import Training

/// Vectors of several whole numbers taken together: `[N, T]` to `[N, size]`.
///
/// - `padding`: a number that counts for nothing. - Parameters: `table` `[count, size]`.
/// - Edges: a bag of padding alone gives zeros. - Source: torch EmbeddingBag.
public final class EmbeddingBag: Layer {
  /// How vectors are taken together.
  public enum Mode: String, Sendable { case sum, mean, max }

  /// How many there are.
  public let count: Int
  /// The size of a vector, or of a window.
  public let size: Int
  /// How vectors are taken together.
  public let mode: Mode
  /// What stands around the input.
  public let padding: Int?
  /// A row for each number.
  public let table = Parameter.pending()
  private let initializer: Initializer

  public init(
    _ count: Int, _ size: Int, mode: Mode = .mean, padding: Int? = nil,
    initializer: Initializer = .normal(deviation: 1)
  ) {
    self.count = count
    self.size = size
    self.mode = mode
    self.padding = padding
    self.initializer = initializer
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(count, "the number of rows")
    try checked(size, "the size of a row")
    try start(table, [count, size], initializer)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 2...2)
    return [shape[0], size]
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let places = try wholeNumbers(x)
    let rows = try table.value.gather(places)
    guard let padding else {
      return switch mode {
      case .sum: try rows.sum(axes: [1])
      case .mean: try rows.mean(axes: [1])
      case .max: try rows.max(axes: [1])
      }
    }
    let counts = try places.isEqual(to: Double(padding)).logicalNot().expandDims(at: -1)
    let weights = try counts.cast(to: dtype)
    let some = try weights.sum(axes: [1])
    switch mode {
    case .sum: return try (rows * weights).sum(axes: [1])
    case .mean: return try (rows * weights).sum(axes: [1]) / some.maximum(1)
    case .max:
      let top = try rows.maskedFill(counts.logicalNot(), -3e38).max(axes: [1])
      return try top * some.minimum(1)
    }
  }
}
