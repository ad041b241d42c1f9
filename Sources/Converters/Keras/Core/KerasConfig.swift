import Formats
import Tensors

/// The configuration of a layer or operation, as `config.json` has it, read with types.
struct KerasConfig {
  /// `Dense`, `Conv2D`, …
  let className: String
  /// Where the class is defined, or empty in older files.
  let module: String
  let members: JSONObject

  var name: String { members["name"]?.asString ?? className }

  /// The object of a serialised layer: `{"module", "class_name", "config"}`.
  ///
  /// Errors: `.malformed` where it is none.
  init(serialized value: JSONValue) throws(EngineError) {
    guard let object = value.asObject, let name = object["class_name"]?.asString else {
      throw KerasConfig.malformed("a layer has no class", value)
    }
    className = name
    module = object["module"]?.asString ?? ""
    // Sequential models of Keras 2.2 and before are lists.
    if let list = object["config"]?.asArray {
      members = ["layers": .array(list)]
    } else {
      members = object["config"]?.asObject ?? JSONObject()
    }
  }

  init(className: String, members: JSONObject) {
    self.className = className
    module = ""
    self.members = members
  }

  /// The member `key`, nil for null.
  subscript(_ key: String) -> JSONValue? {
    guard let value = members[key], value != .null else { return nil }
    return value
  }

  /// Errors of all readers: `.malformed` for a missing member without default or of another type.
  func int(_ key: String, default fallback: Int? = nil) throws(EngineError) -> Int {
    guard let value = self[key] else { return try required(fallback, key) }
    return try Self.int(value, key)
  }

  func optionalInt(_ key: String) throws(EngineError) -> Int? {
    guard let value = self[key] else { return nil }
    return try Self.int(value, key)
  }

  /// A list of integers; a single one is repeated `count` times where that is given.
  func ints(
    _ key: String, count: Int? = nil, default fallback: [Int]? = nil
  ) throws(EngineError) -> [Int] {
    guard let value = self[key] else { return try required(fallback, key) }
    guard let list = Self.items(value) else {
      return [Int](repeating: try Self.int(value, key), count: count ?? 1)
    }
    var result: [Int] = []
    for item in list { result.append(try Self.int(item, key)) }
    if let count, result.count != count {
      throw Self.malformed("'\(key)' needs \(count) numbers", value)
    }
    return result
  }

  func double(_ key: String, default fallback: Double? = nil) throws(EngineError) -> Double {
    guard let value = self[key] else { return try required(fallback, key) }
    guard let number = value.asDouble else { throw Self.malformed("'\(key)' is no number", value) }
    return number
  }

  func optionalDouble(_ key: String) throws(EngineError) -> Double? {
    self[key] == nil ? nil : try double(key)
  }

  func bool(_ key: String, default fallback: Bool) throws(EngineError) -> Bool {
    switch self[key] {
    case nil: return fallback
    case .bool(let flag): return flag
    case .int(let n) where n == 0 || n == 1: return n == 1
    case let other?: throw Self.malformed("'\(key)' is no boolean", other)
    }
  }

  func string(_ key: String, default fallback: String? = nil) throws(EngineError) -> String {
    guard let value = self[key] else { return try required(fallback, key) }
    guard let text = value.asString else { throw Self.malformed("'\(key)' is no text", value) }
    return text
  }

  func optionalString(_ key: String) throws(EngineError) -> String? {
    self[key] == nil ? nil : try string(key)
  }

  /// One of `allowed`, in lower case.
  func choice(
    _ key: String, _ allowed: [String], default fallback: String
  ) throws(EngineError) -> String {
    let text = try string(key, default: fallback).lowercased()
    guard allowed.contains(text) else {
      throw EngineError(
        .unsupported, "'\(key)' is '\(text)'", expected: allowed.joined(separator: ", "))
    }
    return text
  }

  /// Whether data is `channels_first`; Keras' default is last.
  func isChannelsFirst() throws(EngineError) -> Bool {
    try choice("data_format", ["channels_last", "channels_first"], default: "channels_last")
      == "channels_first"
  }

  private func required<T>(_ value: T?, _ key: String) throws(EngineError) -> T {
    guard let value else {
      throw EngineError(.malformed, "the configuration of '\(name)' lacks '\(key)'")
    }
    return value
  }

  static func int(_ value: JSONValue, _ key: String) throws(EngineError) -> Int {
    let number: Int?
    switch value {
    case .int(let n): number = Int(n)
    case .double(let d) where d == d.rounded(): number = Int(exactly: d)
    case .bool(let flag): number = flag ? 1 : 0
    default: number = nil
    }
    guard let number, abs(number) <= Int(Int32.max) else {
      throw malformed("'\(key)' is no integer below 2^31", value)
    }
    return number
  }

  /// The items of a list, or of a serialised tuple.
  static func items(_ value: JSONValue) -> [JSONValue]? {
    if let list = value.asArray { return list }
    guard let object = value.asObject, object["class_name"]?.asString == "__tuple__" else {
      return nil
    }
    return object["items"]?.asArray ?? object["config"]?.asObject?["value"]?.asArray
  }

  static func malformed(_ message: String, _ value: JSONValue) -> EngineError {
    EngineError(.malformed, "the configuration is wrong: \(message)", received: value.kind)
  }
}

extension JSONValue {
  /// A number as a double.
  var asDouble: Double? {
    switch self {
    case .int(let n): Double(n)
    case .unsigned(let n): Double(n)
    case .double(let d): d
    default: nil
    }
  }
}
