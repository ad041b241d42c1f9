import Formats
import Glibc
import Graphs
import Tensors

/// Weights in several safetensors files, named by an index: `model.safetensors.index.json`.
///
/// The shards lie in the index's own folder, under plain names; links are not followed.
enum SafeTensorsShards {
  /// The tensors that the index at `path` names, in its order.
  ///
  /// Errors: `.malformed` for an index or a shard that is wrong, a shard outside the folder, or one
  /// that lacks a tensor it should have; `.inputMissing`; `.budget`.
  static func read(_ path: String) throws(EngineError) -> [(name: String, value: Tensor)] {
    let index = try FileBytes(mapping: path, limit: 100_000_000)
    let root = try withExtendedLifetime(index) { () throws(EngineError) in
      try JSONParser.parse(index.bytes)
    }
    guard let map = root.asObject?["weight_map"]?.asObject else {
      throw EngineError(.malformed, "the index has no weight_map")
    }
    var folder = "."
    if let slash = path.lastIndex(of: "/") { folder = String(path[..<slash]) }
    if folder.isEmpty { folder = "/" }
    var shards: [String: [String: Tensor]] = [:]
    var result: [(name: String, value: Tensor)] = []
    for (name, value) in zip(map.keys, map.values) {
      guard let file = value.asString else {
        throw EngineError(.malformed, "the shard of '\(name)' is no name", received: value.kind)
      }
      if shards[file] == nil { shards[file] = try shard(file, in: folder) }
      guard let tensor = shards[file]?[name] else {
        throw EngineError(.malformed, "shard '\(file)' has no tensor '\(name)'")
      }
      result.append((name, tensor))
    }
    return result
  }

  private static func shard(
    _ name: String, in folder: String
  ) throws(EngineError) -> [String: Tensor] {
    guard !name.isEmpty, name.utf8.count <= 255, !name.hasPrefix("."), !name.contains("/"),
      !name.contains("\\"), !name.utf8.contains(0)
    else {
      throw EngineError(
        .malformed, "the index names a shard outside its folder", expected: "a plain file name",
        received: "'\(name)'")
    }
    let path = folder + "/" + name
    let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
    guard fd >= 0 else {
      if errno == ELOOP {
        throw EngineError(
          .malformed, "shard '\(name)' is a link", expected: "a file in the index's folder",
          hint: "copy the shards to one folder")
      }
      throw EngineError.failed(.inputMissing, "cannot open shard '\(name)'", path)
    }
    let file = try FileBytes(owning: fd, path, limit: Int.max)
    var tensors: [String: Tensor] = [:]
    do throws(EngineError) {
      for (name, value) in try SafeTensors.read(file.bytes, owner: file).tensors {
        tensors[name] = value
      }
    } catch { throw error.at(file: path) }
    return tensors
  }
}
