import Formats
import Graphs
import Operators
import Tensors

/// Reads ONNX models of any version. What is asked of them is a matter of `ModelEdits`.
public enum ONNXConverter: Converter {
  public static let kinds: [SourceKind] = [.onnx]

  /// Every operator of ai.onnx, ai.onnx.ml and the other domains that is read.
  public static var operators: [SourceOperator] {
    Registry.all.compactMap { type in
      let schema = type.schema
      // dlrun's own are what others become.
      if schema.domain == "ai.dlrun" { return nil }
      let name = schema.domain.isEmpty ? schema.name : "\(schema.domain).\(schema.name)"
      let versions = schema.versions.map { "\($0)" }.joined(separator: ", ")
      return SourceOperator(name, "versions \(versions)")
    }
  }

  /// Errors: those of `ONNXReader`, and `.invalidModel` for a model that breaks a rule.
  public static func convert(
    path: String, kind: SourceKind, options: ConversionOptions
  ) throws(EngineError) -> ConversionResult {
    let model = try ONNXReader.read(contentsOf: path)
    try model.verify(using: OperatorSet.builtIn.lookup(opsets: model.opsets))
    return ConversionResult(model, kind: kind)
  }
}
