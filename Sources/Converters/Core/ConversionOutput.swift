import Formats
import Graphs
import Tensors

/// How a converted model is written.
public struct OutputOptions: Sendable {
  /// Where large weights go.
  public enum External: Sendable, Hashable {
    /// Beside the model where they were beside it before, or take over 1 GiB.
    case automatic
    /// Into the model, which has room for 2 GiB.
    case never
    /// Tensors of at least so many bytes beside the model.
    case above(Int)
  }
  public var external = External.automatic
  /// Of C source: what the names in it begin with; nil: the file's name.
  public var cName: String?

  public init() {}
}

extension Conversion {
  /// Writes what a conversion made, in the form that `kind` or else the ending of the name says.
  ///
  /// A model of which nothing was asked is copied byte for byte.
  ///
  /// - Returns: the files written, the one named first.
  /// - Errors: `.usage` where the form cannot be told; `.unsupported` for parts that C source does
  ///   not have; those of the writers.
  @discardableResult
  public static func write(
    _ result: ConversionResult, to path: String, as kind: OutputKind? = nil,
    options: OutputOptions = OutputOptions()
  ) throws(EngineError) -> [String] {
    let kind = if let kind { kind } else { try OutputKind(path: path) }
    switch kind {
    case .safetensors, .npz, .npy:
      try WeightCollection(of: result.model).write(to: path, as: kind)
    case .c: return try CSource.write(result.model, to: path, name: options.cName)
    case .onnx:
      if try copied(result, to: path, options) { return [path] }
      try ONNXWriter.write(
        result.model, to: path,
        options: .init(externalThreshold: threshold(of: result.model, options.external)))
    }
    return [path]
  }

  private static func threshold(
    of model: ModelGraph, _ choice: OutputOptions.External
  ) -> Int? {
    switch choice {
    case .never: return nil
    case .above(let bytes): return max(bytes, 1)
    case .automatic:
      if model.files.count > 1 { return 1024 }
      return GraphStatistics(model.graph).parameterBytes > 1 << 30 ? 1 << 16 : nil
    }
  }

  /// Copies a model that is to stay as it is, where one file holds all of it and the new one is to
  /// be compressed as it is; else false.
  private static func copied(
    _ result: ConversionResult, to path: String, _ options: OutputOptions
  ) throws(EngineError) -> Bool {
    guard let source = result.unchanged, result.model.files.count <= 1,
      options.external == .automatic || options.external == .never
    else { return false }
    let file = try InputFile(source)
    let isGzip = file.bytes.starts(with: [0x1F, 0x8B])
    guard isGzip == path.hasSuffix(".gz") else { return false }
    do throws(EngineError) {
      let target = try AtomicFile(path)
      try target.write(file.bytes)
      try target.commit()
    } catch { throw error.at(file: path) }
    return withExtendedLifetime(file) { true }
  }
}
