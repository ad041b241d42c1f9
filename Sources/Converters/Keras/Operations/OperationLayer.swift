import Graphs
import Tensors

/// A function of `keras.ops` as a functional model records it.
struct OperationLayer: KerasLayer {
  typealias Rule = @Sendable (LayerCall) throws(EngineError) -> KerasValue
  private let rule: Rule

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    guard let rule = Self.table[config.className] else {
      throw EngineError(.unsupported, "the operation is not converted")
    }
    self.rule = rule
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue { try rule(call) }

  /// All operations by class, families joined.
  static let table: [String: Rule] = {
    var all: [String: Rule] = [:]
    let families = [
      unary, binary, comparison, reduction, shaping, indexing, algebra, neural, imaging,
    ]
    for family in families { all.merge(family) { first, _ in first } }
    return all
  }()
}

extension LayerCall {
  /// The first argument as one tensor, as it is.
  func operand() throws(EngineError) -> ValueID {
    if let value = argument(0, "x") ?? argument(0, "inputs") { return try tensor(value) }
    guard let first = arguments.first ?? keywords.first?.value else {
      throw EngineError(.malformed, "operation '\(name)' is called with nothing")
    }
    return try tensor(first)
  }

  /// A tensor of an argument: one of the graph, or a constant from numbers in the file.
  func tensor(_ value: KerasValue, like other: DType? = nil) throws(EngineError) -> ValueID {
    if let t = value.tensor { return t.id }
    guard let plain = value.plain else { throw unsupported("an argument is no tensor") }
    return try b.constant(try PlainArray(plain).tensor(like: other))
  }

  /// Argument `index` as a tensor, or nil.
  func operand(_ index: Int, _ key: String, like: DType? = nil) throws(EngineError) -> ValueID? {
    guard let value = argument(index, key) else { return nil }
    return try tensor(value, like: like)
  }

  /// The two operands of an arithmetic operation in their common dtype.
  func pair(_ first: String = "x1", _ second: String = "x2") throws(EngineError) -> [ValueID] {
    guard let x = argument(0, first), let y = argument(1, second) else {
      throw EngineError(.malformed, "operation '\(name)' is not called with two operands")
    }
    return try promoted([x, y])
  }

  /// Operands in the dtype that Keras gives them together: the widest of their kind; numbers of the
  /// file follow the tensors, but make integers float32 where they are no integers.
  func promoted(_ values: [KerasValue]) throws(EngineError) -> [ValueID] {
    var type: DType?
    for value in values {
      guard let t = value.tensor, let found = b.dtype(t.id) else { continue }
      type = type.map { Promotion.common($0, found) } ?? found
    }
    for value in values where value.tensor == nil {
      guard let plain = value.plain else { continue }
      let array = try PlainArray(plain)
      let natural: DType = array.isFloat ? .float32 : array.isBool ? .bool : .int32
      guard let known = type else {
        type = natural
        continue
      }
      if array.isFloat, !known.isFloat { type = .float32 }
      if !array.isFloat, !array.isBool, known == .bool { type = .int32 }
    }
    let common = type ?? .float32
    var result: [ValueID] = []
    for value in values {
      if let t = value.tensor {
        result.append(try cast(t.id, to: common))
      } else {
        result.append(try tensor(value, like: common))
      }
    }
    return result
  }

  /// Floats as they are, anything else as float32.
  func floating(_ x: ValueID) throws(EngineError) -> ValueID {
    b.dtype(x)?.isFloat == true ? x : try cast(x, to: .float32)
  }

  /// Axes of the configuration or arguments; nil: all.
  func axes(_ index: Int = 1, _ key: String = "axis") throws(EngineError) -> [Int]? {
    guard let value = plain(index, key), value != .null else { return nil }
    guard let items = KerasConfig.items(value) else { return [try KerasConfig.int(value, key)] }
    var list: [Int] = []
    for item in items { list.append(try KerasConfig.int(item, key)) }
    return list
  }

  func integer(_ index: Int, _ key: String, default fallback: Int) throws(EngineError) -> Int {
    guard let value = plain(index, key), value != .null else { return fallback }
    return try KerasConfig.int(value, key)
  }

  func real(_ index: Int, _ key: String, default fallback: Double) throws(EngineError) -> Double {
    guard let value = plain(index, key), value != .null else { return fallback }
    guard let number = value.asDouble else {
      throw EngineError(.malformed, "'\(key)' of '\(name)' is no number")
    }
    return number
  }

  func truth(_ index: Int, _ key: String, default fallback: Bool = false) -> Bool {
    if case .bool(let flag)? = plain(index, key) { flag } else { fallback }
  }
}
