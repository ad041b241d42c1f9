import Layers
import Tensors
import Training

/// Adds a learned vector for each step to what stands there: `[N, T, features]`.
///
/// - `count`: the most steps; by default those of the input it is built for.
/// - Errors: `.shape` for more steps, or where their number is not known.
final class LearnedPositions: Layer {
  let table = Parameter.pending()
  private let count: Int?

  init(_ count: Int? = nil) {
    self.count = count
    super.init()
  }

  override func build(_ shape: LayerShape) throws(EngineError) {
    guard shape.sizes.count == 3, let features = shape[2], let steps = count ?? shape[1] else {
      throw EngineError(
        .shape, "positions need steps of known number", expected: "[N, T, features]",
        received: "\(shape)")
    }
    let made = try Tensor.normal([steps, features], mean: 0, deviation: 0.02)
    table.value = made
  }

  override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape { shape }

  override func forward(_ x: Tensor) throws -> Tensor {
    let steps = x.shape[1]
    if steps == table.value.shape[0] { return try x + table.value }
    return try x + table.value.slice(0, from: 0, to: steps)
  }
}
