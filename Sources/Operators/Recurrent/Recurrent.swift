import Graphs

/// Layers that carry a state along a sequence.
enum Recurrent {
  static let operators: [any Operator.Type] = [
    GRU.self,
    GRUGradient.self,
    LSTM.self,
    LSTMGradient.self,
    LSTMTraining.self,
    LSTMTrainingGradient.self,
    RNN.self,
    RNNGradient.self,
  ]
}
