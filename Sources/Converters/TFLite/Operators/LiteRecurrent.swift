import Graphs
import Tensors

/// Recurrent layers over whole sequences.
enum LiteRecurrent {
  static let operators: [LiteOperator] = [
    LiteOperator("UNIDIRECTIONAL_SEQUENCE_LSTM", "without projection and layer norm") {
      (c) throws(EngineError) in
      let b = c.b
      guard c.has(1), c.has(5), !c.has(16) else {
        throw EngineError(.unsupported, "coupled gates and projections are not converted")
      }
      for i in 20..<24 where c.has(i) {
        throw EngineError(.unsupported, "layer normalisation in an LSTM is not converted")
      }
      if let dtype = c.output?.dtype, dtype != .float32 {
        c.session.note("an integer LSTM is computed in float between integer inputs and outputs")
      }
      let limit = try c.optionFloat(1)
      if limit > 0 { c.session.note("the cells of an LSTM are not limited to \(limit)") }
      // Gates come as input, forget, cell, output; ONNX has input, output, forget, cell.
      func gates(_ i: Int) throws(EngineError) -> ValueID {
        try b.concat(
          [try c.number(i), try c.number(i + 3), try c.number(i + 1), try c.number(i + 2)],
          axis: 0)
      }
      let (w, r) = (try gates(1), try gates(5))
      let bias = try gates(12)
      let zeros = try b.onnx("Expand", [try b.number(0, like: bias), try b.shape(bias)])
      var peepholes: ValueID?
      if c.has(10) {
        peepholes = try b.unsqueeze(
          try b.concat([try c.number(9), try c.number(11), try c.number(10)], axis: 0), [0])
      }
      let hidden = try hiddenSize(c, 5)
      let isTimeMajor = try c.optionFlag(3)
      let x = try isTimeMajor ? c.number(0) : b.transpose(try c.number(0), [1, 0, 2])
      let made = try b.onnx(
        "LSTM",
        [
          x, try b.unsqueeze(w, [0]), try b.unsqueeze(r, [0]),
          try b.unsqueeze(try b.concat([bias, zeros], axis: 0), [0]), nil, nil, nil, peepholes,
        ].dropLastNil(), [.int("hidden_size", hidden)])
      return try finished(c, made, isTimeMajor)
    },
    LiteOperator("UNIDIRECTIONAL_SEQUENCE_RNN") { (c) throws(EngineError) in
      let b = c.b
      let isTimeMajor = try c.optionFlag(0)
      let x = try isTimeMajor ? c.number(0) : b.transpose(try c.number(0), [1, 0, 2])
      let activation: String
      switch try c.optionByte(1) {
      case 0: activation = "Affine"
      case 1: activation = "Relu"
      case 4: activation = "Tanh"
      default: throw EngineError(.unsupported, "the activation of an RNN is not converted")
      }
      var attributes: [Attribute] = [
        .int("hidden_size", try hiddenSize(c, 2)), .strings("activations", [activation]),
      ]
      if activation == "Affine" { attributes.append(.floats("activation_alpha", [1])) }
      let bias = try c.number(3)
      let zeros = try b.onnx("Expand", [try b.number(0, like: bias), try b.shape(bias)])
      let made = try b.onnx(
        "RNN",
        [
          x, try b.unsqueeze(try c.number(1), [0]), try b.unsqueeze(try c.number(2), [0]),
          try b.unsqueeze(try b.concat([bias, zeros], axis: 0), [0]),
        ], attributes)
      return try finished(c, made, isTimeMajor)
    },
  ]

  private static func hiddenSize(_ c: LiteCall, _ i: Int) throws(EngineError) -> Int {
    guard let n = try c.b.sizes(try c.stored(i)).first, n > 0 else {
      throw EngineError(.invalidModel, "recurrent weights are empty")
    }
    return n
  }

  /// `[T, 1, N, H]` in the layout of the input.
  private static func finished(
    _ c: LiteCall, _ y: ValueID, _ isTimeMajor: Bool
  ) throws(EngineError) -> ValueID {
    let steps = try c.b.squeeze(y, [1])
    return isTimeMajor ? steps : try c.b.transpose(steps, [1, 0, 2])
  }
}
