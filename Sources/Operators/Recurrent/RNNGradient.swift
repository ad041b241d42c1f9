import Graphs
import Tensors

/// The gradients of `RNN` by its inputs: see `RecurrentGradient`.
///
/// - Inputs and attributes: those of RNN, then the gradients by its results.
/// - Source: domain ai.dlrun 1; backpropagation through time.
public struct RNNGradient: RecurrentGradient {
  public let layer: RNN

  public static let schema: Schema = makeSchema {
    let y = try Tensor(shape: [3, 1, 2, 2], (0..<12).map { Float(($0 * 5) % 12) / 8 - 0.5 })
    let inputs = try RNN.exampleInputs(gates: 1)
    let rest = [Tensor?](repeating: nil, count: RNN.schema.inputs.count - inputs.count)
    return [.init(RNNGradient(RNN()), inputs + rest + [y], outputCount: 5)]
  }

  public init(_ layer: RNN) { self.layer = layer }
}
