import Formats
import Tensors

/// A file of settings: JSON, or YAML as far as `YAMLParser` goes.
enum ConfigFile {
  static func read(_ path: String) throws(EngineError) -> JSONValue {
    let bytes = try InputFile(path, limit: 1 << 20).contents
    do throws(EngineError) {
      if path.hasSuffix(".json") { return try JSONParser.parse(bytes) }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw EngineError(.malformed, "the settings are not UTF-8")
      }
      return try YAMLParser.parse(text)
    } catch { throw error.at(file: path) }
  }
}
