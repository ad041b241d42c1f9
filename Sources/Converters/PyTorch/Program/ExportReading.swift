import Formats
import Tensors

/// Fields of a program's JSON text, checked.
enum ExportReading {
  /// Errors: `.malformed` where `json` is no object; likewise below.
  static func object(_ json: JSONValue?, _ what: String) throws(EngineError) -> JSONObject {
    guard let value = json?.asObject else { throw wrong(what, "an object", json) }
    return value
  }
  static func array(_ json: JSONValue?, _ what: String) throws(EngineError) -> [JSONValue] {
    guard let value = json?.asArray else { throw wrong(what, "an array", json) }
    return value
  }
  static func text(_ json: JSONValue?, _ what: String) throws(EngineError) -> String {
    guard let value = json?.asString else { throw wrong(what, "a string", json) }
    return value
  }
  static func int(_ json: JSONValue?, _ what: String) throws(EngineError) -> Int {
    guard let value = json?.asInt else { throw wrong(what, "an integer", json) }
    return value
  }
  /// The field `name` of an object.
  static func name(_ json: JSONValue?) throws(EngineError) -> String {
    try text(try object(json, "a reference to a value")["name"], "name")
  }

  private static func wrong(
    _ what: String, _ expected: String, _ json: JSONValue?
  ) -> EngineError {
    EngineError(
      .malformed, "\(what) is wrong", expected: expected, received: json?.kind ?? "nothing")
  }
}
