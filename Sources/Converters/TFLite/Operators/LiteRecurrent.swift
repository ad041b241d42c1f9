import Graphs
import Tensors

/// Recurrent layers over whole sequences, each run from states of zeros.
enum LiteRecurrent {
  static let operators: [LiteOperator] = [
    LiteOperator("UNIDIRECTIONAL_SEQUENCE_LSTM", "without projection and layer norm") {
      (c) throws(EngineError) in
      for i in 20..<24 where c.has(i) {
        throw EngineError(.unsupported, "layer normalisation in an LSTM is not converted")
      }
      return try LiteCells(c, isTimeMajor: try c.optionFlag(3)).lstm(from: 1)
    },
    .many("BIDIRECTIONAL_SEQUENCE_LSTM", "without projection and auxiliary input") {
      (c) throws(EngineError) in
      for i in 39..<48 where c.has(i) {
        throw EngineError(.unsupported, "an auxiliary input of an LSTM is not converted")
      }
      let cells = LiteCells(c, isTimeMajor: try c.optionFlag(4, true))
      return try merged(
        c, try cells.lstm(from: 1), try cells.lstm(from: 18, isReversed: true),
        try c.optionFlag(3))
    },
    LiteOperator("UNIDIRECTIONAL_SEQUENCE_RNN") { (c) throws(EngineError) in
      try LiteCells(c, isTimeMajor: try c.optionFlag(0)).rnn(from: 1)
    },
    .many("BIDIRECTIONAL_SEQUENCE_RNN", "without auxiliary input") { (c) throws(EngineError) in
      for i in 9..<12 where c.has(i) {
        throw EngineError(.unsupported, "an auxiliary input of an RNN is not converted")
      }
      let cells = LiteCells(c, isTimeMajor: try c.optionFlag(0))
      return try merged(
        c, try cells.rnn(from: 1), try cells.rnn(from: 5, isReversed: true), try c.optionFlag(2))
    },
    LiteOperator("RNN", "one step") { (c) throws(EngineError) in
      let b = c.b
      let x = try b.onnx(
        "Gemm", [try c.number(0), try c.number(1), try c.number(3)], [.int("transB", 1)])
      c.session.note("the state of an RNN is zero at the start of each run")
      return try c.activated(x, try c.optionByte(0))
    },
    LiteOperator("SVDF", "one step, from a state of zeros") { (c) throws(EngineError) in
      let b = c.b
      let time = try c.number(2)
      let rank = try c.optionInt(0)
      guard let filters = try b.sizes(time).first, rank > 0, filters % rank == 0 else {
        throw EngineError(.invalidModel, "the rank of an SVDF does not divide its filters")
      }
      // All but the newest column of the state are zero: of the weights over time the last is left.
      c.session.note("the state of an SVDF is zero at the start of each run")
      let features = try b.onnx(
        "Gemm", [try c.number(0), try c.number(1)], [.int("transB", 1)])
      let last = try b.reshape(try b.slice(time, [-1], [Int.max], axes: [1]), [filters])
      let units = try b.reshape(try b.mul(features, last), [-1, filters / rank, rank])
      var sum = try b.onnx("ReduceSum", [units, try b.ints([2])], [.int("keepdims", 0)])
      if c.has(3) { sum = try b.add(sum, try c.number(3)) }
      return try c.activated(sum, try c.optionByte(1))
    },
  ]

  /// The results of both directions, joined along the last axis or each for itself.
  private static func merged(
    _ c: LiteCall, _ forward: ValueID, _ backward: ValueID, _ isMerged: Bool
  ) throws(EngineError) -> [LiteResult] {
    guard isMerged else { return [.numbers(forward), .numbers(backward)] }
    return [.numbers(try c.b.concat([forward, backward], axis: 2))]
  }
}
