import Graphs
import Tensors

/// A model's file of whatever kind, told apart by its content: a portable model, compressed or not,
/// or a compiled one.
public enum ModelFile {
  /// Reads `path`; see `ONNXReader` and `CompiledReader`.
  ///
  /// Errors: theirs.
  public static func read(
    contentsOf path: String, limits: ReadLimits = ReadLimits()
  ) throws(EngineError) -> ModelGraph {
    do throws(EngineError) {
      let source = try FileBytes(
        mapping: path, limit: max(limits.maxFileBytes, limits.maxExternalBytes))
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      if CompiledHeader.matches(source.bytes) {
        return try CompiledReader.read(source, name: path, folder: folder, limits)
      }
      return try ONNXReader.read(source, name: path, folder: folder, limits)
    } catch { throw error.at(file: path) }
  }

  /// Reads a model in memory. Its weights are copied; it can have no external data.
  public static func read(
    bytes: UnsafeRawBufferPointer, name: String = "model", limits: ReadLimits = ReadLimits()
  ) throws(EngineError) -> ModelGraph {
    do throws(EngineError) {
      let source = try FileBytes(copying: bytes)
      if CompiledHeader.matches(source.bytes) {
        return try CompiledReader.read(source, name: name, folder: nil, limits)
      }
      return try ONNXReader.read(source, name: name, external: nil, limits)
    } catch { throw error.at(file: name) }
  }

  public static func read(
    bytes: [UInt8], name: String = "model", limits: ReadLimits = ReadLimits()
  ) throws(EngineError) -> ModelGraph {
    // The standard library's closures do not pass a typed throw on.
    let result = bytes.withUnsafeBytes { buffer -> Result<ModelGraph, EngineError> in
      do throws(EngineError) {
        return .success(try read(bytes: buffer, name: name, limits: limits))
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Compares the weights of a compiled model with their digest, which reading it does not. Other
  /// files have none.
  ///
  /// Errors: `.malformed` where they are damaged.
  public static func verifyWeights(of path: String) throws(EngineError) {
    do throws(EngineError) {
      let source = try FileBytes(mapping: path, limit: Int.max)
      if CompiledHeader.matches(source.bytes) { try CompiledReader.verifyWeights(source) }
    } catch { throw error.at(file: path) }
  }

  /// Name, size and time of the last change of a file that a model is compiled from; empty for what
  /// is no regular file.
  public static func source(at path: String) -> CompiledParts.Source {
    let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    guard let file = try? FileBytes(mapping: path, limit: Int.max), let identity = file.identity
    else { return CompiledParts.Source(name: "", bytes: 0, modified: 0, digest: "") }
    return CompiledParts.Source(
      name: name, bytes: identity.bytes, modified: identity.modified, digest: "")
  }
}
