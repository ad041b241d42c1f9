import Graphs

/// Layers that carry a state along a sequence.
enum Recurrent {
  static let operators: [any Operator.Type] = [
    GRU.self,
    LSTM.self,
    RNN.self,
  ]
}
