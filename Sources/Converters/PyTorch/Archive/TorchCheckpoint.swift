import Formats
import Tensors

/// The tensors that `torch.save` wrote, by name: `.pt` and `.pth` since torch 1.6.
///
/// The archive holds a pickle and one record for each storage; tensors become views of the records.
/// Tensors in dictionaries and lists within the outermost one get the path to them, joined by dots.
enum TorchCheckpoint {
  /// Errors: `.inputMissing`, `.malformed`, `.unsupported`, `.budget`.
  static func read(_ path: String) throws(EngineError) -> [(name: String, value: Tensor)] {
    let file = try FileBytes(mapping: path, limit: Int.max)
    return try read(file.bytes, owner: file)
  }

  /// - `owner` keeps `bytes` alive.
  static func read(
    _ bytes: UnsafeRawBufferPointer, owner: AnyObject
  ) throws(EngineError) -> [(name: String, value: Tensor)] {
    defer { withExtendedLifetime(owner) {} }
    if bytes.count > 1, bytes[0] == 0x80 {
      throw EngineError(
        .unsupported, "the file is in the form that PyTorch wrote before 1.6",
        expected: "an archive",
        hint: "load and save it again: torch.save(torch.load(path, weights_only=True), path)")
    }
    let archive = try TorchArchive(bytes, owner: owner)
    guard let place = archive.member("data.pkl") else {
      throw EngineError(.malformed, "the archive has no data.pkl")
    }
    var reader = Collector(archive: archive)
    try Pickle.read(try archive.bytes(place)) { (root) throws(EngineError) in
      try reader.collect(root, path: "", depth: 0)
    }
    return reader.tensors
  }

  /// Walks containers for tensors.
  private struct Collector {
    let archive: TorchArchive
    var tensors: [(name: String, value: Tensor)] = []
    var visits = 0

    mutating func collect(_ value: PickleValue, path: String, depth: Int) throws(EngineError) {
      visits += 1
      guard depth <= 32, visits <= Pickle.maxValues else {
        throw EngineError(.budget, "the pickle's containers are nested too deep or share too much")
      }
      func inner(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
      switch value {
      case .tensor(let tensor):
        guard tensors.count < 100_000 else {
          throw EngineError(.budget, "the pickle holds too many tensors")
        }
        do throws(EngineError) {
          tensors.append((path, try archive.tensor(tensor)))
        } catch { throw error.at(node: path) }
      case .dict(let dict):
        for (key, item) in dict.items {
          let name = key.asText ?? key.asInt.map { "\($0)" } ?? "?"
          try collect(item, path: inner(name), depth: depth + 1)
        }
      case .list(let list):
        for (i, item) in list.items.enumerated() {
          try collect(item, path: inner("\(i)"), depth: depth + 1)
        }
      case .tuple(let items):
        for (i, item) in items.items.enumerated() {
          try collect(item, path: inner("\(i)"), depth: depth + 1)
        }
      default: break
      }
    }
  }
}
