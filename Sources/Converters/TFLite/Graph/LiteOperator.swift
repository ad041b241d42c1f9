import Graphs
import Tensors

/// What an operator gives: a tensor as it is stored, or numbers that are quantised where the result
/// is.
enum LiteResult {
  case stored(FlowValue)
  case numbers(ValueID)
}

/// How a built-in operator becomes ONNX.
struct LiteOperator: Sendable {
  typealias Convert = @Sendable (LiteCall) throws(EngineError) -> [LiteResult]
  typealias ConvertOne = @Sendable (LiteCall) throws(EngineError) -> ValueID
  typealias Move = @Sendable (LiteCall, ValueID) throws(EngineError) -> ValueID

  let name: String
  let note: String
  let convert: Convert

  private init(_ name: String, note: String, convert: @escaping Convert) {
    self.name = name
    self.note = note
    self.convert = convert
  }

  /// An operator that computes one result from numbers.
  init(_ name: String, _ note: String = "", _ convert: @escaping ConvertOne) {
    self.init(name, note: note) { (c) throws(EngineError) in [.numbers(try convert(c))] }
  }

  static func many(_ name: String, _ note: String = "", _ convert: @escaping Convert)
    -> LiteOperator
  { LiteOperator(name, note: note, convert: convert) }

  /// An operator whose result is what it is: indices, sizes, truth.
  static func plain(_ name: String, _ note: String = "", _ convert: @escaping ConvertOne)
    -> LiteOperator
  {
    LiteOperator(name, note: note) { (c) throws(EngineError) in
      [.stored(.tensor(try convert(c)))]
    }
  }

  /// An operator that moves the elements of input `from`: integers as they are where input and result
  /// have the same scale.
  static func moving(_ name: String, from i: Int = 0, _ move: @escaping Move) -> LiteOperator {
    LiteOperator(name, note: "") { (c) throws(EngineError) in
      if c.keepsScale([i]) { return [.stored(.tensor(try move(c, try c.stored(i))))] }
      return [.numbers(try move(c, try c.number(i)))]
    }
  }
}
