import Formats
import Glibc
import Graphs
import Tensors

/// Models of other frameworks, converted to graphs. `dlrun convert` is this.
///
/// ```swift
/// let result = try Conversion.convert(path: "model.keras")
/// try Conversion.write(result, to: "model.onnx")
/// ```
public enum Conversion {
  /// All converters; each reads the kinds it names.
  public static let converters: [any Converter.Type] = [
    KerasConverter.self, ONNXConverter.self, TensorFlowConverter.self, TFLiteConverter.self,
    TorchExport.self,
  ]

  /// Reads the model at `path`, whose kind its content tells.
  ///
  /// Then changes it as `options.edits` say. An ONNX model of which nothing is asked stays as it is.
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
        hint: kind.advice,
        subject: .init(file: path))
    }
    do throws(EngineError) {
      var edits = options.edits
      if kind == .onnx { edits.opset = options.opset }
      if kind == .onnx, edits.isEmpty, options.adjust == nil {
        var result = try converter.convert(path: path, kind: kind, options: options)
        result.unchanged = path
        return result
      }
      // Before the model is read: the pages of one of the two are then gone again.
      let file = kind == .savedModel ? path + "/saved_model.pb" : path
      let digest = try digest(of: file) { options.progress?("hashing \(path)", $0 * 0.1) }
      var inner = options
      if let report = options.progress {
        inner.progress = { text, part in report(text, 0.1 + part * 0.6) }
      }
      var result = try converter.convert(path: path, kind: kind, options: inner)
      options.progress?("rewriting the graph", 0.7)
      if let adjust = options.adjust, !result.wasAdjusted {
        result.notes += try adjust(&result.model)
        result.wasAdjusted = true
      }
      result.notes += try edits.apply(to: &result.model)
      ModelCompletion.stamp(&result.model, kind: kind, digest: digest)
      return result
    } catch { throw error.at(file: path) }
  }

  /// The weights in a file: of a model of any kind, or of a file of weights alone.
  ///
  /// Errors: those of `convert` and `WeightCollection`.
  public static func weights(
    path: String, options: ConversionOptions = ConversionOptions()
  ) throws(EngineError) -> WeightCollection {
    let kind = try SourceKind.of(path: path)
    if kind.isWeights { return try WeightCollection(path: path, kind: kind) }
    return WeightCollection(of: try convert(path: path, options: options).model)
  }

  private static func digest(
    of path: String, progress: (Double) -> Void
  ) throws(EngineError) -> String {
    let file = try FileBytes(mapping: path, limit: Int.max)
    return withExtendedLifetime(file) {
      var hash = SHA256()
      // Block by block, so that the file does not become resident beside the model.
      var at = 0
      while let block = file.bytes.slice(at, min(1 << 24, file.bytes.count - at)), !block.isEmpty {
        progress(Double(at) / Double(file.bytes.count))
        hash.update(block)
        file.releasePages(block)
        at += block.count
      }
      return hash.hex()
    }
  }
}
