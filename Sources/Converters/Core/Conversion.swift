import Formats
import Glibc
import Graphs
import Tensors

/// Models of other frameworks, converted to graphs. `dlrun convert` is this.
///
/// ```swift
/// let result = try Conversion.convert(path: "model.keras")
/// try ONNXWriter.write(result.model, to: "model.onnx")
/// ```
public enum Conversion {
  /// All converters; each reads the kinds it names.
  public static let converters: [any Converter.Type] = [
    TensorFlowConverter.self, TFLiteConverter.self,
  ]

  /// Reads the model at `path`, whose kind its content tells.
  ///
  /// Names, doc strings and metadata are kept; the kind and the SHA-256 of the file (of
  /// `saved_model.pb` for a folder) go to the metadata under `dlrun.source` and
  /// `dlrun.source_sha256`.
  ///
  /// Errors: `.inputMissing`, `.malformed`, `.budget`; `.unsupported` listing everything that
  /// cannot be converted; `.usage` for a file that holds weights only.
  public static func convert(
    path: String, options: ConversionOptions = ConversionOptions()
  ) throws(EngineError) -> ConversionResult {
    let kind = try SourceKind.of(path: path)
    guard let converter = converters.first(where: { $0.kinds.contains(kind) }) else {
      throw EngineError(
        .unsupported, "\(kind.title) files cannot be converted",
        hint: kind.isWeights ? "give weights with --weights to the model they belong to" : nil,
        subject: .init(file: path))
    }
    do throws(EngineError) {
      var result = try converter.convert(path: path, kind: kind, options: options)
      let file = kind == .savedModel ? path + "/saved_model.pb" : path
      ModelCompletion.stamp(&result.model, kind: kind, digest: try digest(of: file))
      return result
    } catch { throw error.at(file: path) }
  }

  private static func digest(of path: String) throws(EngineError) -> String {
    let file = try InputFile(path)
    return withExtendedLifetime(file) {
      var hash = SHA256()
      hash.update(file.bytes)
      return hash.hex()
    }
  }
}
