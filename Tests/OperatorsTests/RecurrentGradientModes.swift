import Graphs
import Operators
import Tensors

/// Modes of recurrent layers that the cases of their schemas leave out.
enum RecurrentGradientModes {
  static func add(to add: GradientModes.Add) throws {
    // Two steps of two sequences, three inputs, two neurons.
    func inputs(
      _ gates: Int, _ directions: Int = 1, batchFirst: Bool = false, bias: Bool = true
    ) throws -> [Tensor?] {
      let state = batchFirst ? [2, directions, 2] : [directions, 2, 2]
      return [
        try GradientModes.wave([2, 2, 3]), try GradientModes.wave([directions, gates * 2, 3], 1),
        try GradientModes.wave([directions, gates * 2, 2], 2),
        bias ? try GradientModes.wave([directions, gates * 4], 3) : nil,
        try Tensor([2, 1] as [Int32]), try GradientModes.wave(state, 4),
      ]
    }
    let functions = [
      "Sigmoid", "Tanh", "Relu", "Softsign", "Softplus", "Affine", "LeakyRelu", "ThresholdedRelu",
      "ScaledTanh", "HardSigmoid", "Elu",
    ]
    for name in functions {
      let options = RecurrentOptions(activations: [name], alphas: [0.7], betas: [0.3])
      add(name, RNN(options), try inputs(1), 2)
    }
    let batchFirst = RecurrentOptions(direction: .bidirectional, isBatchFirst: true)
    add("batch first", RNN(batchFirst), try inputs(1, 2, batchFirst: true), 2)
    for linear in [true, false] {
      add(
        "batch first, \(linear)", GRU(batchFirst, linearBeforeReset: linear),
        try inputs(3, 2, batchFirst: true, bias: linear), 2)
    }
    for couples in [true, false] {
      let more = [
        try GradientModes.wave([2, 2, 2], 5), try GradientModes.wave([2, 6], 6),
      ]
      add(
        "batch first, \(couples)", LSTM(batchFirst, couplesForget: couples),
        try inputs(4, 2, batchFirst: true, bias: !couples) + more, 3)
    }
    add("last state alone", LSTM(), Array(try inputs(4).prefix(4)), 2)
  }
}
