import Formats
import Graphs
import Operators
import Tensors

/// Numbers of a configuration as an array: a scalar, nested lists, or a serialised array.
struct PlainArray {
  let shape: [Int]
  let values: [Double]
  let isFloat: Bool
  let isBool: Bool
  private let dtype: DType?

  /// Errors: `.malformed` for lists of unequal lengths and for what is no number.
  init(_ value: JSONValue) throws(EngineError) {
    var inner = value
    var named: DType?
    if let object = value.asObject, let name = object["class_name"]?.asString,
      name == "__numpy__" || name == "__tensor__", let config = object["config"]?.asObject
    {
      inner = config["value"] ?? .null
      named = config["dtype"]?.asString.flatMap(KerasPolicy.dtype)
    }
    dtype = named
    var shape: [Int] = []
    var level = inner
    while let items = KerasConfig.items(level), shape.count < Shape.maxRank {
      shape.append(items.count)
      guard let first = items.first else { break }
      level = first
    }
    self.shape = shape
    var list: [Double] = []
    var kinds = (float: false, bool: true)
    try Self.collect(inner, shape[...], &list, &kinds)
    values = list
    isFloat = named?.isFloat ?? kinds.float
    isBool = named.map { $0 == .bool } ?? (kinds.bool && !list.isEmpty)
  }

  private static func collect(
    _ value: JSONValue, _ shape: ArraySlice<Int>, _ list: inout [Double],
    _ kinds: inout (float: Bool, bool: Bool)
  ) throws(EngineError) {
    if let count = shape.first {
      guard let items = KerasConfig.items(value), items.count == count else {
        throw KerasConfig.malformed("lists of unequal lengths", value)
      }
      for item in items { try collect(item, shape.dropFirst(), &list, &kinds) }
      return
    }
    switch value {
    case .bool(let flag): list.append(flag ? 1 : 0)
    case .double(let d):
      list.append(d)
      kinds = (true, false)
    default:
      guard let number = value.asDouble else { throw KerasConfig.malformed("no number", value) }
      list.append(number)
      kinds.bool = false
    }
  }

  /// In its own dtype, or in `other` where that is given.
  func tensor(like other: DType? = nil) throws(EngineError) -> Tensor {
    let type = other ?? dtype ?? (isFloat ? .float32 : isBool ? .bool : .int32)
    let shape = try Shape(checking: self.shape)
    if type.isFloat {
      let wide = try Tensor(shape: shape, values)
      return type == .float64 ? wide : try Eager().apply(Cast(to: type), wide)
    }
    if type == .bool { return try Tensor(shape: shape, values.map { $0 != 0 }) }
    var whole: [Int64] = []
    for v in values {
      guard let n = Int64(exactly: v.rounded(.towardZero)) else {
        throw EngineError(.value, "a constant is no integer of 64 bits", received: "\(v)")
      }
      whole.append(n)
    }
    let wide = try Tensor(shape: shape, whole)
    return type == .int64 ? wide : try Eager().apply(Cast(to: type), wide)
  }
}
