import Formats
import Tensors

/// Settings read from a JSON or YAML object, each once; what is left over is refused by name.
struct ConfigReader {
  let path: String
  let place: String
  private let object: JSONObject
  private var known: Set<String> = []

  /// - Errors: `.malformed` for anything but an object.
  init(_ value: JSONValue, path: String, place: String = "") throws(EngineError) {
    guard let object = value.asObject else {
      throw EngineError(
        .malformed, place.isEmpty ? "the settings are no list of names" : "'\(place)' has no names",
        expected: "name: value", received: value.kind, subject: .init(file: path))
    }
    self.object = object
    self.path = path
    self.place = place
  }

  private func full(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

  func wrong(_ key: String, _ expected: String, _ value: JSONValue) -> EngineError {
    EngineError(
      .malformed, "'\(full(key))' is not what it should be", expected: expected,
      received: JSONWriter.string(of: value), subject: .init(file: path))
  }

  mutating func value(_ key: String) -> JSONValue? {
    known.insert(key)
    let value = object[key]
    return value == .null ? nil : value
  }

  mutating func text(_ key: String) throws(EngineError) -> String? {
    guard let value = value(key) else { return nil }
    switch value {
    case .string(let s): return s
    case .int(let i): return "\(i)"
    case .bool(let b): return "\(b)"
    default: throw wrong(key, "text", value)
    }
  }

  mutating func number(_ key: String) throws(EngineError) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.asDouble, number.isFinite else { throw wrong(key, "a number", value) }
    return number
  }

  mutating func integer(
    _ key: String, _ range: ClosedRange<Int> = 0...Int(Int32.max)
  ) throws(EngineError) -> Int? {
    guard let value = value(key) else { return nil }
    guard let i = value.asInt, range.contains(i) else {
      throw wrong(
        key,
        "a whole number from \(range.lowerBound)"
          + (range.upperBound < Int(Int32.max) ? " to \(range.upperBound)" : ""), value)
    }
    return i
  }

  mutating func flag(_ key: String) throws(EngineError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .bool(let b) = value else { throw wrong(key, "true or false", value) }
    return b
  }

  mutating func integers(_ key: String) throws(EngineError) -> [Int]? {
    guard let value = value(key) else { return nil }
    if let i = value.asInt { return [i] }
    guard let list = value.asArray else { throw wrong(key, "a list of whole numbers", value) }
    var result: [Int] = []
    for item in list {
      guard let i = item.asInt, abs(i) <= Int(Int32.max) else {
        throw wrong(key, "a list of whole numbers", value)
      }
      result.append(i)
    }
    return result
  }

  mutating func texts(_ key: String) throws(EngineError) -> [String]? {
    guard let value = value(key) else { return nil }
    if let s = value.asString { return [s] }
    guard let list = value.asArray else { throw wrong(key, "a list of names", value) }
    var result: [String] = []
    for item in list {
      guard let s = item.asString ?? item.asInt.map({ "\($0)" }) else {
        throw wrong(key, "a list of names", value)
      }
      result.append(s)
    }
    return result
  }

  mutating func child(_ key: String) throws(EngineError) -> ConfigReader? {
    guard let value = value(key) else { return nil }
    // `optimizer: adam` is short for `optimizer: {name: adam}`.
    if case .string(let s) = value {
      return try ConfigReader(["name": .string(s)], path: path, place: full(key))
    }
    return try ConfigReader(value, path: path, place: full(key))
  }

  /// - Errors: `.usage` for a setting that nothing asked for, with those there are.
  func finish() throws(EngineError) {
    for key in object.keys where !known.contains(key) {
      throw EngineError(
        .usage, "there is no setting '\(full(key))'",
        expected: known.sorted().joined(separator: ", "),
        subject: .init(file: path))
    }
  }
}

extension JSONValue {
  /// A whole or real number.
  var asDouble: Double? {
    switch self {
    case .int(let i): Double(i)
    case .double(let d): d
    default: nil
    }
  }
}
