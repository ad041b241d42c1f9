import Glibc
import Tensors
import Testing

@testable import Converters
@testable import Formats

/// Files for the tests of PyTorch's formats: fixtures, and archives made by hand.
enum TorchFiles {
  /// `Tests/ConvertersTests/Fixtures/PyTorch`, made by `tools/oracle/convert/torch_operators.py --fixtures`
  /// and `tools/oracle/convert/torch_weights.py` with torch 2.13.0.
  static let folder =
    String(#filePath.dropLast("PyTorch/TorchFiles.swift".count))
    + "Fixtures/PyTorch"

  static func bytes(_ name: String) throws -> [UInt8] {
    try InputFile("\(folder)/\(name)").contents
  }

  /// A zip file of stored members.
  static func archive(_ members: [(name: String, bytes: [UInt8])]) throws -> [UInt8] {
    var zip = ZipWriter(MemorySink())
    for member in members {
      try member.bytes.withUnsafeBytes { try zip.add(member.name, [$0]) }
    }
    try zip.finish()
    return zip.sink.bytes
  }

  /// A checkpoint with this pickle and these records.
  static func checkpoint(
    _ pickle: [UInt8], records: [(name: String, bytes: [UInt8])] = []
  ) throws -> [UInt8] {
    try archive(
      [("a/data.pkl", pickle), ("a/byteorder", Array("little".utf8))]
        + records.map { ("a/data/\($0.name)", $0.bytes) })
  }

  static func read(checkpoint bytes: [UInt8]) throws -> [(name: String, value: Tensor)] {
    let file = try bytes.withUnsafeBytes { try FileBytes(copying: $0) }
    return try TorchCheckpoint.read(file.bytes, owner: file)
  }

  static func convert(_ bytes: [UInt8]) throws -> ConversionResult {
    let file = try bytes.withUnsafeBytes { try FileBytes(copying: $0) }
    return try TorchExport.convert(file.bytes, owner: file)
  }

  /// The fixture with its program's text changed.
  static func altered(_ name: String, _ change: (String) -> String) throws -> [UInt8] {
    let original = try bytes(name)
    return try original.withUnsafeBytes { buffer in
      let zip = try ZipArchive(buffer, limits: TensorLimits())
      var members: [(name: String, bytes: [UInt8])] = []
      for (i, entry) in zip.entries.enumerated() {
        var data = Array(try #require(zip.storedBytes(i)))
        if entry.name.contains("/models/") {
          data = Array(change(String(decoding: data, as: UTF8.self)).utf8)
        }
        members.append((entry.name, data))
      }
      return try archive(members)
    }
  }

  /// A new folder that exists while `body` runs.
  static func withFolder(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/dlrun-torch-XXXXXX".utf8CString)
    _ = try #require(mkdtemp(&template))
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      if let listing = opendir(path) {
        while let entry = readdir(listing) {
          let name = withUnsafeBytes(of: entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
          }
          unlink("\(path)/\(name)")
        }
        closedir(listing)
      }
      rmdir(path)
    }
    try body(path)
  }

  static func write(_ bytes: [UInt8], to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(bytes)
    try file.commit()
  }
}

/// The error that `body` throws, or nil.
func refusal<T>(_ body: () throws -> T) -> EngineError? {
  do {
    _ = try body()
    return nil
  } catch { return error as? EngineError }
}
