import Formats
import Graphs
import Tensors

/// Whole models of Keras: archives of Keras 3 (`.keras`) and HDF5 files of Keras 1 to 3 (`.h5`).
///
/// The configuration is data to it: layers and operations come from a fixed table, and what is not
/// in the table (Lambda layers, custom classes) is refused by name. Channels-last layers become
/// channels-first operators with transposes that cancel between neighbours.
public enum KerasConverter: Converter {
  public static let kinds: [SourceKind] = [.keras, .hdf5]

  public static var operators: [SourceOperator] { KerasLayers.list }

  public static func convert(
    path: String, kind: SourceKind, options: ConversionOptions
  ) throws(EngineError) -> ConversionResult {
    let file = try FileBytes(mapping: path, limit: Int.max)
    return try convert(file, kind: kind, options: options, path: path)
  }

  /// The model in the bytes of a file.
  static func convert(
    _ file: FileBytes, kind: SourceKind, options: ConversionOptions, path: String = ""
  ) throws(EngineError) -> ConversionResult {
    var budget = TensorLimits()
    budget.bytes = options.memoryBudget
    let limits = budget
    options.progress?("reading", 0)
    let root: KerasObject
    let reader: KerasReader
    if kind == .keras {
      let archive = try KerasArchive(file, limits: limits)
      reader = KerasReader(majorVersion: major(archive.version, default: 3)) { place in
        KerasArchive.vocabulary(file, place, limits: limits)
      }
      root = try reader.object(archive.config)
      try reader.check(kind)
      try KerasWeights.load(root, from: try archive.weights.root)
    } else {
      let hdf5 = try HDF5File(file.bytes, keeper: file, limits: limits)
      let legacy = try KerasLegacyFile(hdf5)
      reader = KerasReader(majorVersion: major(legacy.version, default: 2))
      root = try reader.object(legacy.config)
      try reader.check(kind)
      try KerasWeights.load(root, fromLegacy: legacy.root)
    }
    guard let model = root.layer as? any KerasModel else {
      throw EngineError(
        .malformed, "the file holds a layer and no model", received: root.className)
    }
    let graph = try KerasGraph(options, kind: kind, path: path).record(root, model)
    // Tensors are views of the file.
    var result = try withExtendedLifetime(file) { () throws(EngineError) in
      try ModelCompletion.model(graph, opset: options.opset)
    }
    result.graph.name = root.name
    return ConversionResult(result, kind: kind, notes: reader.notes)
  }

  private static func major(_ version: String, default fallback: Int) -> Int {
    version.split(separator: ".").first.flatMap { Int($0) } ?? fallback
  }
}
