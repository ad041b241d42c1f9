import Tensors
import Training

/// A vector for each whole number below `count`.
///
/// - Input: whole numbers (int32 or int64; real ones are truncated), `[N, ...]`. Output:
///   `[N, ..., size]`. - `masksZero`: whether 0 stands for what later layers leave out.
/// - Parameters: `table` `[count, size]`. - Errors: `.value` for a number out of range, when run.
/// - Source: Keras 3 Embedding.
public final class Embedding: Layer {
  /// How many there are.
  public let count: Int
  /// The size of a vector, or of a window.
  public let size: Int
  /// Whether 0 stands for steps that are left out.
  public let masksZero: Bool
  /// A row for each number.
  public let table = Parameter.pending()
  private let initializer: Initializer
  private let regularizer: Regularizer?

  public init(
    _ count: Int, _ size: Int, masksZero: Bool = false,
    initializer: Initializer = .uniform(), regularizer: Regularizer? = nil
  ) {
    self.count = count
    self.size = size
    self.masksZero = masksZero
    self.initializer = initializer
    self.regularizer = regularizer
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(count, "the number of rows")
    try checked(size, "the size of a row")
    try start(table, [count, size], initializer, regularizer: regularizer)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    LayerShape(shape.sizes + [size])
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    try table.value.gather(wholeNumbers(x))
  }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let x = try input.first()
    let mask = masksZero ? try wholeNumbers(x).isEqual(to: 0).logicalNot() : input.mask
    return LayerOutput(try forward(all: input.values), mask: mask)
  }

  public override var configuration: [(name: String, value: String)] {
    [("count", "\(count)"), ("size", "\(size)")]
  }
}

/// Class or row numbers as int64.
func wholeNumbers(_ x: Tensor) throws(EngineError) -> Tensor {
  x.dtype == .int64 || x.dtype == .int32 ? x : try x.cast(to: .int64)
}
