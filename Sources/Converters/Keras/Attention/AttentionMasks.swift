import Graphs
import Operators
import Tensors

/// Masks `[T, S]` that say which keys a query may look at.
extension LayerCall {
  /// Whether key j does not come after query i.
  func causalMask(_ query: ValueID, _ key: ValueID) throws(EngineError) -> ValueID {
    let (rows, columns) = try places(query, key)
    return try b.apply(GreaterOrEqual(), rows, columns)
  }

  /// Whether key j lies less than `width` from query i.
  func windowMask(
    _ query: ValueID, _ key: ValueID, width: Int
  ) throws(EngineError) -> ValueID {
    let (rows, columns) = try places(query, key)
    let distance = try b.apply(Abs(), try sub(rows, columns))
    return try b.apply(Less(), distance, try b.scalar(width))
  }

  /// Places of queries `[T, 1]` and of keys `[1, S]`, on axis 1 of both.
  private func places(
    _ query: ValueID, _ key: ValueID
  ) throws(EngineError) -> (ValueID, ValueID) {
    func range(_ x: ValueID) throws(EngineError) -> ValueID {
      if let n = try dims(x)[1].known {
        guard n <= 1 << 20 else { throw unsupported("a sequence of \(n) steps") }
        return try b.ints(Array(0..<n))
      }
      let n = try squeeze(try b.apply(ShapeOp(start: 1, end: 2), x), [0])
      return try b.apply(RangeOp(), try b.scalar(0), n, try b.scalar(1))
    }
    return (try unsqueeze(try range(query), [1]), try unsqueeze(try range(key), [0]))
  }

  /// Both masks, where either may be absent.
  func both(_ x: ValueID?, _ y: ValueID?) throws(EngineError) -> ValueID? {
    guard let x else { return y }
    guard let y else { return x }
    return try b.apply(And(), x, y)
  }

  /// A flag of the call: an argument that is true.
  func flag(_ index: Int, _ key: String) -> Bool {
    argument(index, key)?.plain == .bool(true)
  }

  /// A mask given as argument, as booleans.
  func maskArgument(_ index: Int, _ key: String) throws(EngineError) -> ValueID? {
    guard let given = argument(index, key)?.tensor else { return nil }
    return try cast(given.id, to: .bool)
  }
}
