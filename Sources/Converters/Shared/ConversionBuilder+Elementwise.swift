import Graphs
import Tensors

extension ConversionBuilder {
  /// Applies what works on each element by itself; a value made by transposing a channels-first one
  /// stays such, so that no transposes stand between neighbouring convolutions.
  func elementwise(
    _ x: ValueID, _ body: (ValueID) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    guard let first = knownChannelsFirst(x) else { return try body(x) }
    return try channelsLast(try body(first))
  }

  /// A binary operator that broadcasts, in channels first where one side is known so and the other
  /// can follow.
  func broadcast(
    _ type: String, _ x: ValueID, _ y: ValueID
  ) throws(EngineError) -> ValueID {
    try broadcast(x, y) { (a, b) throws(EngineError) in try onnx(type, [a, b]) }
  }

  func broadcast(
    _ x: ValueID, _ y: ValueID, _ body: (ValueID, ValueID) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    let (a, b) = (knownChannelsFirst(x), knownChannelsFirst(y))
    if let a, let b, dims(a)?.count == dims(b)?.count {
      return try channelsLast(try body(a, b))
    }
    if let a, let rank = dims(a)?.count, let other = try turned(y, rank: rank) {
      return try channelsLast(try body(a, other))
    }
    if let b, let rank = dims(b)?.count, let other = try turned(x, rank: rank) {
      return try channelsLast(try body(other, b))
    }
    return try body(x, y)
  }

  /// A scalar, or numbers by channel, as they broadcast against channels first; nil for others.
  private func turned(_ value: ValueID, rank: Int) throws(EngineError) -> ValueID? {
    guard let mine = fact(of: value).rank else { return nil }
    if mine == 0 { return value }
    guard let d = dims(value), d.dropLast().allSatisfy({ $0.known == 1 }), mine <= rank,
      rank > 2, let channels = d.last?.known
    else { return nil }
    if mine == 1 || known(value) != nil {
      return try reshape(value, [channels] + Array(repeating: 1, count: rank - 2))
    }
    return nil
  }
}
