import Formats
import Tensors

/// A Keras 3 archive: a zip of `metadata.json`, `config.json` and `model.weights.h5`.
struct KerasArchive {
  let config: JSONValue
  let version: String
  let weights: HDF5File

  /// The most bytes of a text in the archive.
  private static let maxText = 256 << 20

  /// Errors: `.malformed`, `.budget`; `.unsupported` for weights in another form.
  init(_ file: FileBytes, limits: TensorLimits) throws(EngineError) {
    let archive = try ZipArchive(file.bytes, limits: limits)
    config = try Self.json(archive, "config.json")
    let metadata = try Self.json(archive, "metadata.json")
    version = metadata.asObject?["keras_version"]?.asString ?? "3"
    guard let index = archive.entries.firstIndex(where: { $0.name == "model.weights.h5" }) else {
      let names = archive.entries.map(\.name).joined(separator: ", ")
      throw EngineError(
        .unsupported, "the archive has no model.weights.h5", received: names,
        hint: "weights in .npz or in shards are not read; save the model with model.save()")
    }
    if let stored = archive.storedBytes(index) {
      try archive.checkSum(index, stored)
      // The check touched every page; weights that are used are read again.
      file.release()
      weights = try HDF5File(stored, keeper: file, limits: limits)
    } else {
      let memory = try Storage(TensorType(.uint8, [archive.entries[index].size]))
      let room = UnsafeMutableRawBufferPointer(start: memory.bytes, count: memory.type.count)
      try archive.unpack(index, into: room)
      weights = try HDF5File(UnsafeRawBufferPointer(room), keeper: memory, limits: limits)
    }
  }

  /// The lines of a layer's vocabulary file, without empty ones at the end; nil where there is none.
  static func vocabulary(_ file: FileBytes, _ place: String, limits: TensorLimits) -> [String]? {
    guard let archive = try? ZipArchive(file.bytes, limits: limits),
      let text = try? text(archive, "assets/\(place)/vocabulary.txt")
    else { return nil }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    while lines.last == "" { lines.removeLast() }
    return lines
  }

  private static func text(_ archive: ZipArchive, _ name: String) throws(EngineError) -> String {
    let memory = try member(archive, name)
    return try withExtendedLifetime(memory) { () throws(EngineError) in
      let room = UnsafeRawBufferPointer(start: memory.bytes, count: memory.type.count)
      guard let text = String(validating: room, as: UTF8.self) else {
        throw EngineError(.malformed, "\(name) is not UTF-8 text")
      }
      return text
    }
  }

  private static func json(_ archive: ZipArchive, _ name: String) throws(EngineError) -> JSONValue {
    let memory = try member(archive, name)
    return try withExtendedLifetime(memory) { () throws(EngineError) in
      let room = UnsafeRawBufferPointer(start: memory.bytes, count: memory.type.count)
      return try JSONParser.parse(room, nonFinite: true)
    }
  }

  private static func member(
    _ archive: ZipArchive, _ name: String
  ) throws(EngineError) -> Storage {
    guard let index = archive.entries.firstIndex(where: { $0.name == name }) else {
      throw EngineError(.malformed, "the archive has no \(name)")
    }
    let size = archive.entries[index].size
    guard size <= maxText else {
      throw EngineError(.budget, "\(name) is too large", expected: "at most \(maxText) bytes")
    }
    let memory = try Storage(TensorType(.uint8, [size]))
    let room = UnsafeMutableRawBufferPointer(start: memory.bytes, count: size)
    try archive.unpack(index, into: room)
    return memory
  }
}
