import Tensors

/// A JSON value. Integers that fit 64 bits are kept exactly; other numbers are doubles.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int64)
  /// Integers beyond `Int64` that a `UInt64` holds.
  case unsigned(UInt64)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  public var asString: String? { if case .string(let s) = self { s } else { nil } }
  public var asArray: [JSONValue]? { if case .array(let a) = self { a } else { nil } }
  public var asObject: JSONObject? { if case .object(let o) = self { o } else { nil } }
  public var asInt: Int? { if case .int(let i) = self { Int(i) } else { nil } }

  /// What it is, for messages.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .int, .unsigned: "an integer"
    case .double: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// The members of a JSON object in their order; keys are unique when it was parsed.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public private(set) var keys: [String] = []
  public private(set) var values: [JSONValue] = []
  public init() {}
  public init(dictionaryLiteral members: (String, JSONValue)...) {
    for (key, value) in members { append(key, value) }
  }

  public var count: Int { keys.count }

  /// Adds a member at the end; the caller sees to it that the key is new.
  public mutating func append(_ key: String, _ value: JSONValue) {
    keys.append(key)
    values.append(value)
  }

  /// The value of a key, found by looking through all of them.
  public subscript(_ key: String) -> JSONValue? {
    keys.firstIndex(of: key).map { values[$0] }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral members: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in members { object.append(key, value) }
    self = .object(object)
  }
}
