import Graphs
import Operators
import Tensors

/// Recurrent layers: each layer of a stack is one ONNX operator.
enum TorchRecurrent {
  static let operators: [TorchOperator] = [
    TorchOperator("aten.lstm.input") { (c) throws(EngineError) in try stack(c, .lstm) },
    TorchOperator("aten.gru.input") { (c) throws(EngineError) in try stack(c, .gru) },
    TorchOperator("aten.rnn_tanh.input") { (c) throws(EngineError) in try stack(c, .tanh) },
    TorchOperator("aten.rnn_relu.input") { (c) throws(EngineError) in try stack(c, .relu) },
  ]

  private enum Cell {
    case lstm, gru, tanh, relu
    /// For each gate of ONNX the one of PyTorch: i, f, g, o as i, o, f, c; r, z, n as z, r, h.
    var gates: [Int] {
      switch self {
      case .lstm: [0, 3, 1, 2]
      case .gru: [1, 0, 2]
      default: [0]
      }
    }
  }

  private static func stack(_ c: TorchCall, _ cell: Cell) throws(EngineError) -> [TorchValue] {
    var x = try c.x("input")
    let isBatchFirst = try c.bool("batch_first", false)
    let layers = try c.int("num_layers", 1)
    let directions = try c.bool("bidirectional", false) ? 2 : 1
    let hasBias = try c.bool("has_biases", true)
    let parameters = try c.tensors("params")
    // With a projection each direction has one more.
    let each = hasBias ? 4 : 2
    guard layers > 0, layers <= 1 << 10, parameters.count == layers * directions * each else {
      throw EngineError(
        .unsupported, "the number of parameters does not fit, or the layer has projections")
    }
    let states = cell == .lstm ? try c.tensors("hx") : [try c.x("hx")]
    guard states.count == (cell == .lstm ? 2 : 1), try c.rank(x) == 3 else {
      throw EngineError(.unsupported, "inputs without a batch")
    }
    if isBatchFirst { x = try c.transposed(x, [1, 0, 2]) }
    var last: [[ValueID?]] = states.map { _ in [] }
    for layer in 0..<layers {
      var weights: [[ValueID?]] = [[], [], []]
      for direction in 0..<directions {
        let first = (layer * directions + direction) * each
        weights[0].append(try ordered(c, parameters[first], cell))
        weights[1].append(try ordered(c, parameters[first + 1], cell))
        if hasBias {
          let bias = try c.builder.apply(
            Concat(axis: 1), try ordered(c, parameters[first + 2], cell),
            try ordered(c, parameters[first + 3], cell))
          weights[2].append(bias)
        }
      }
      var inputs: [ValueID?] = [x, try joined(c, weights[0]), try joined(c, weights[1])]
      inputs.append(hasBias ? try joined(c, weights[2]) : nil)
      inputs.append(nil)
      for state in states {
        let from = layer * directions
        inputs.append(
          layers == 1 ? state : try c.sliced(state, 0, .known(from), .known(from + directions)))
      }
      let results = try apply(
        c, cell, inputs, hidden: try c.dims(parameters[1])[1].known, directions)
      for i in states.indices { last[i].append(results[i + 1]) }
      x = try flattened(c, results[0], directions)
    }
    if isBatchFirst { x = try c.transposed(x, [1, 0, 2]) }
    var results: [TorchValue] = [.tensor(x)]
    for list in last { results.append(.tensor(try joined(c, list))) }
    return results
  }

  private static func apply(
    _ c: TorchCall, _ cell: Cell, _ inputs: [ValueID?], hidden: Int?, _ directions: Int
  ) throws(EngineError) -> Few<ValueID> {
    let direction: RecurrentOptions.Direction = directions == 2 ? .bidirectional : .forward
    var names: [String] = []
    if cell == .relu { names = Array(repeating: "Relu", count: directions) }
    let options = RecurrentOptions(direction: direction, activations: names, hiddenSize: hidden)
    switch cell {
    case .lstm: return try c.builder.apply(LSTM(options), inputs: inputs, outputs: 3)
    case .gru:
      return try c.builder.apply(
        GRU(options, linearBeforeReset: true), inputs: inputs, outputs: 2)
    default: return try c.builder.apply(RNN(options), inputs: inputs, outputs: 2)
    }
  }

  /// A weight with its gates in ONNX's order, under a first axis for the direction.
  private static func ordered(
    _ c: TorchCall, _ weight: ValueID, _ cell: Cell
  ) throws(EngineError) -> ValueID {
    var x = weight
    let gates = cell.gates
    if gates.count > 1 {
      let parts = try c.builder.apply(
        Split(axis: 0, parts: gates.count), inputs: [weight], outputs: gates.count)
      x = try c.builder.apply(Concat(axis: 0), inputs: gates.map { parts[$0] })
    }
    return try c.unsqueezed(x, [0])
  }

  private static func joined(_ c: TorchCall, _ list: [ValueID?]) throws(EngineError) -> ValueID {
    guard let first = list.first.flatMap({ $0 }) else {
      throw EngineError(.internalDefect, "nothing to join")
    }
    return list.count == 1 ? first : try c.builder.apply(Concat(axis: 0), inputs: list)
  }

  /// `[T, D, N, H]` as `[T, N, D * H]`.
  private static func flattened(
    _ c: TorchCall, _ y: ValueID, _ directions: Int
  ) throws(EngineError) -> ValueID {
    if directions == 1 { return try c.squeezed(y, [1]) }
    let turned = try c.transposed(y, [0, 2, 1, 3])
    return try c.builder.apply(Reshape(), turned, try c.builder.ints([0, 0, -1]))
  }
}
