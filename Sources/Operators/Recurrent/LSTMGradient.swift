import Graphs
import Tensors

/// The gradients of `LSTM` by its inputs: see `RecurrentGradient`.
///
/// - Inputs and attributes: those of LSTM, then the gradients by its results.
/// - Source: domain ai.dlrun 1; backpropagation through time.
public struct LSTMGradient: RecurrentGradient {
  public let layer: LSTM

  public static let schema: Schema = makeSchema {
    let y = try Tensor(shape: [3, 1, 2, 2], (0..<12).map { Float(($0 * 5) % 12) / 8 - 0.5 })
    let inputs = try LSTM.exampleInputs(gates: 4)
    let rest = [Tensor?](repeating: nil, count: LSTM.schema.inputs.count - inputs.count)
    return [.init(LSTMGradient(LSTM()), inputs + rest + [y], outputCount: 5)]
  }

  public init(_ layer: LSTM) { self.layer = layer }
}
