import Graphs
import Tensors

/// Cells of a recurrent operator run over its first input, `[N, T, I]` or `[T, N, I]`, in one
/// direction.
struct LiteCells {
  let c: LiteCall
  let isTimeMajor: Bool

  init(_ c: LiteCall, isTimeMajor: Bool) {
    self.c = c
    self.isTimeMajor = isTimeMajor
  }

  /// An LSTM whose weights are inputs from `first` on: four for the input, four for the state, three
  /// peepholes, four biases, two of a projection.
  ///
  /// Errors: `.unsupported` for coupled gates and projections.
  func lstm(from first: Int, isReversed: Bool = false) throws(EngineError) -> ValueID {
    let b = c.b
    guard c.has(first), c.has(first + 4), !c.has(first + 15) else {
      throw EngineError(.unsupported, "coupled gates and projections are not converted")
    }
    if let dtype = c.output?.dtype, dtype != .float32 {
      c.session.note("an integer LSTM is computed in float between integer inputs and outputs")
    }
    let limit = try c.optionFloat(1)
    if limit > 0 { c.session.note("the cells of an LSTM are not limited to \(limit)") }
    // Gates come as input, forget, cell, output; ONNX has input, output, forget, cell.
    func gates(_ i: Int) throws(EngineError) -> ValueID {
      try b.concat(
        [try c.number(i), try c.number(i + 3), try c.number(i + 1), try c.number(i + 2)], axis: 0)
    }
    let (w, r) = (try gates(first), try gates(first + 4))
    var peepholes: ValueID?
    if c.has(first + 9) {
      peepholes = try b.unsqueeze(
        try b.concat(
          [try c.number(first + 8), try c.number(first + 10), try c.number(first + 9)], axis: 0),
        [0])
    }
    var attributes: [Attribute] = [.int("hidden_size", try hiddenSize(first + 4))]
    if isReversed { attributes.append(.string("direction", "reverse")) }
    return try finished(
      try b.onnx(
        "LSTM",
        [
          try sequence(), try b.unsqueeze(w, [0]), try b.unsqueeze(r, [0]),
          try bothBiases(try gates(first + 11)), nil, nil, nil, peepholes,
        ].dropLastNil(), attributes))
  }

  /// A plain cell whose weights are inputs from `first` on: for the input, for the state, the bias.
  ///
  /// Errors: `.unsupported` for activations that ONNX's `RNN` lacks.
  func rnn(from first: Int, isReversed: Bool = false) throws(EngineError) -> ValueID {
    let b = c.b
    let activation: String
    switch try c.optionByte(1) {
    case 0: activation = "Affine"
    case 1: activation = "Relu"
    case 4: activation = "Tanh"
    default: throw EngineError(.unsupported, "the activation of an RNN is not converted")
    }
    var attributes: [Attribute] = [
      .int("hidden_size", try hiddenSize(first + 1)), .strings("activations", [activation]),
    ]
    if activation == "Affine" { attributes.append(.floats("activation_alpha", [1])) }
    if isReversed { attributes.append(.string("direction", "reverse")) }
    return try finished(
      try b.onnx(
        "RNN",
        [
          try sequence(), try b.unsqueeze(try c.number(first), [0]),
          try b.unsqueeze(try c.number(first + 1), [0]), try bothBiases(try c.number(first + 2)),
        ], attributes))
  }

  private func hiddenSize(_ i: Int) throws(EngineError) -> Int {
    guard let n = try c.b.sizes(try c.stored(i)).first, n > 0 else {
      throw EngineError(.invalidModel, "recurrent weights are empty")
    }
    return n
  }

  /// The input with time first.
  private func sequence() throws(EngineError) -> ValueID {
    let x = try c.number(0)
    return isTimeMajor ? x : try c.b.transpose(x, [1, 0, 2])
  }

  /// ONNX has biases of input and state, of which the second is zero.
  private func bothBiases(_ bias: ValueID) throws(EngineError) -> ValueID {
    let b = c.b
    let zeros = try b.onnx("Expand", [try b.number(0, like: bias), try b.shape(bias)])
    return try b.unsqueeze(try b.concat([bias, zeros], axis: 0), [0])
  }

  /// `[T, 1, N, H]` in the layout of the input.
  private func finished(_ y: ValueID) throws(EngineError) -> ValueID {
    let steps = try c.b.squeeze(y, [1])
    return isTimeMajor ? steps : try c.b.transpose(steps, [1, 0, 2])
  }
}
