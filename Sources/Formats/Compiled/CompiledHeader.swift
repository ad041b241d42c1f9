import Tensors

/// The first 256 bytes of a compiled model, little-endian:
///
/// | bytes | what |
/// |---|---|
/// | 0 to 7 | `89 44 4C 43 0D 0A 1A 0A`: no text, and damaged by whoever takes it for text |
/// | 8, u32 | version of the format |
/// | 12, u32 | 0x01020304 in the order of the packed numbers' bytes |
/// | 16, u64 | bytes of the file |
/// | 24, u64 x 2 | offset and bytes of the weights, plain and packed: a page boundary |
/// | 40, u64 x 2 | of the graph: a serialised ONNX model |
/// | 56, u64 x 2 | of the manifest: JSON |
/// | 72 to 103 | SHA-256 of graph and manifest |
/// | 104 to 135 | SHA-256 of the weights |
/// | 136 to 223 | zeros |
/// | 224 to 255 | SHA-256 of the 224 bytes before |
struct CompiledHeader: Equatable {
  static let byteCount = 256
  static let magic: [UInt8] = [0x89, 0x44, 0x4C, 0x43, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Raised when the format changes, or what an operator of ai.dlrun means.
  static let version: UInt32 = 1
  private static let byteOrder: UInt32 = 0x0102_0304

  var fileBytes: Int
  var weights: Range<Int>
  var graph: Range<Int>
  var manifest: Range<Int>
  var textDigest: [UInt8]
  var weightDigest: [UInt8]

  var bytes: [UInt8] {
    var out = Self.magic
    out.appendLittle(Self.version)
    out.appendLittle(Self.byteOrder)
    out.appendLittle(UInt64(fileBytes))
    for part in [weights, graph, manifest] {
      out.appendLittle(UInt64(part.lowerBound))
      out.appendLittle(UInt64(part.count))
    }
    out += textDigest + weightDigest
    out += [UInt8](repeating: 0, count: Self.byteCount - 32 - out.count)
    var sha = SHA256()
    sha.update(out)
    return out + sha.finish()
  }

  /// Reads and checks the header of a file: its own digest, and that all parts lie within the
  /// file.
  ///
  /// Errors: `.unsupported` for another version or byte order; `.malformed` for all else.
  init(reading file: UnsafeRawBufferPointer) throws(EngineError) {
    guard file.count >= Self.byteCount, let head = file.slice(0, Self.byteCount) else {
      throw EngineError(
        .malformed, "the compiled model is cut off", expected: "at least \(Self.byteCount) bytes",
        received: "\(file.count)")
    }
    func word(_ offset: Int) -> UInt32 { head.little(UInt32.self, at: offset) ?? 0 }
    guard word(12) != Self.byteOrder.byteSwapped else {
      throw EngineError(
        .unsupported, "the compiled model is for a machine of the other byte order",
        hint: "compile the model on this machine")
    }
    guard word(8) == Self.version else {
      throw EngineError(
        .unsupported, "the compiled model is of another version of the format",
        expected: "\(Self.version)", received: "\(word(8))",
        hint: "compile the model again with this dlrun")
    }
    var sha = SHA256()
    sha.update(UnsafeRawBufferPointer(rebasing: head[..<(Self.byteCount - 32)]))
    guard sha.finish().elementsEqual(head[(Self.byteCount - 32)...]),
      word(12) == Self.byteOrder
    else {
      throw EngineError(
        .malformed, "the header of the compiled model is damaged", hint: "compile the model again")
    }
    func number(_ offset: Int) throws(EngineError) -> Int {
      guard let n = head.little(UInt64.self, at: offset), let value = Int(exactly: n) else {
        throw EngineError(.malformed, "a size in the header is too large")
      }
      return value
    }
    func part(_ offset: Int) throws(EngineError) -> Range<Int> {
      let (start, count) = (try number(offset), try number(offset + 8))
      guard start >= Self.byteCount, start <= file.count, count <= file.count - start else {
        throw EngineError(
          .malformed, "a part of the compiled model lies outside the file",
          expected: "at most \(file.count) bytes", received: "\(count) from byte \(start)")
      }
      return start..<(start + count)
    }
    fileBytes = try number(16)
    guard fileBytes == file.count else {
      throw EngineError(
        .malformed, "the compiled model is \(file.count < fileBytes ? "cut off" : "too long")",
        expected: "\(fileBytes) bytes", received: "\(file.count)",
        hint: "compile the model again")
    }
    weights = try part(24)
    graph = try part(40)
    manifest = try part(56)
    textDigest = Array(head[72..<104])
    weightDigest = Array(head[104..<136])
  }

  init(
    fileBytes: Int, weights: Range<Int>, graph: Range<Int>, manifest: Range<Int>,
    textDigest: [UInt8], weightDigest: [UInt8]
  ) {
    self.fileBytes = fileBytes
    self.weights = weights
    self.graph = graph
    self.manifest = manifest
    self.textDigest = textDigest
    self.weightDigest = weightDigest
  }

  /// Whether bytes begin as a compiled model does.
  static func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= magic.count && magic.indices.allSatisfy { bytes[$0] == magic[$0] }
  }
}
