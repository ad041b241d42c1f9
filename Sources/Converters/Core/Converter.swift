import Graphs
import Tensors

/// Reads one kind of source into a model. Nothing found in the source is executed.
public protocol Converter: Sendable {
  static var kinds: [SourceKind] { get }
  /// What it can convert; `dlrun convert --list` prints it.
  static var operators: [SourceOperator] { get }
  /// The model at `path`.
  ///
  /// Errors: `.malformed` and `.budget` for bad files, naming the place; `.unsupported` listing all
  /// that cannot be converted.
  static func convert(
    path: String, kind: SourceKind, options: ConversionOptions
  ) throws(EngineError) -> ConversionResult
}
