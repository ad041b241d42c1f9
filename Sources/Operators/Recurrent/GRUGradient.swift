import Graphs
import Tensors

/// The gradients of `GRU` by its inputs: see `RecurrentGradient`.
///
/// - Inputs and attributes: those of GRU, then the gradients by its results.
/// - Source: domain ai.dlrun 1; backpropagation through time.
public struct GRUGradient: RecurrentGradient {
  public let layer: GRU

  public static let schema: Schema = makeSchema {
    let y = try Tensor(shape: [3, 1, 2, 2], (0..<12).map { Float(($0 * 5) % 12) / 8 - 0.5 })
    let inputs = try GRU.exampleInputs(gates: 3)
    let rest = [Tensor?](repeating: nil, count: GRU.schema.inputs.count - inputs.count)
    return [.init(GRUGradient(GRU()), inputs + rest + [y], outputCount: 5)]
  }

  public init(_ layer: GRU) { self.layer = layer }
}
