import Tensors
import Testing

@testable import Formats

@Suite struct GzipTests {
  func deflate(_ bytes: [UInt8]) throws -> [UInt8] {
    final class Box { var bytes: [UInt8] = [] }
    let out = Box()
    let writer = try GzipWriter { (block) throws(EngineError) in out.bytes += Array(block) }
    try bytes.withUnsafeBytes { try writer.write($0) }
    try writer.finish()
    return out.bytes
  }
  func inflate(_ bytes: [UInt8], limit: Int = 1 << 24) throws -> [UInt8] {
    let file = try bytes.withUnsafeBytes { try Gzip.inflate($0, limit: limit) }
    return Array(file.bytes)
  }
  func refusal(_ bytes: [UInt8], limit: Int = 1 << 24) -> String {
    complaint { _ = try inflate(bytes, limit: limit) }
  }

  @Test(arguments: [0, 1, 100, 65_536, 300_000]) func bytesComeBack(count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    #expect(try inflate(try deflate(bytes)) == bytes)
  }

  @Test func theHeaderNeverChanges() throws {
    let file = try deflate([1, 2, 3])
    // Magic, deflate, no flags, time 0, no hint, unknown system.
    #expect(Array(file[..<10]) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
    #expect(try deflate([1, 2, 3]) == file)
  }

  @Test func bombsAreRefused() throws {
    let zeros = try deflate([UInt8](repeating: 0, count: 4 << 20))
    #expect(zeros.count < 8192)
    #expect(try inflate(zeros).count == 4 << 20)
    #expect(refusal(zeros, limit: 1 << 20) == "budget: the compressed file becomes too large")
    // One that lies about its size, in either direction.
    var small = zeros
    small.replaceSubrange(small.count - 4..<small.count, with: [100, 0, 0, 0])
    #expect(refusal(small) == "malformed: the compressed file holds more than it states")
    var large = try deflate([1, 2, 3])
    large.replaceSubrange(large.count - 4..<large.count, with: [0, 0, 0xFF, 0])
    #expect(refusal(large) == "malformed: the compressed file states an impossible size")
    large.replaceSubrange(large.count - 4..<large.count, with: [0, 1, 0, 0])
    #expect(refusal(large).hasPrefix("malformed: "))
  }

  @Test func damageIsFound() throws {
    let bytes = (0..<200).map { UInt8($0 % 7) }
    let file = try deflate(bytes)
    let accepted = attack(file) { copy in
      // Header bits may change without changing what is said; the contents may not.
      let back = try inflate(copy)
      #expect(back == bytes)
    }
    #expect(accepted.cut == 0)
    #expect(refusal(file + [0]).hasPrefix("malformed: "))
    #expect(refusal(file + file).hasPrefix("malformed: "))
    #expect(refusal([0x1F, 0x8B]) == "malformed: the compressed file is too short")
  }

  @Test func modelsAreReadCompressed() throws {
    let model = try read(try Features.bytes())
    try withFile([], ".onnx.gz") { path in
      try ONNXWriter.write(model, to: path)
      let once = try contents(of: path)
      #expect(once.starts(with: [0x1F, 0x8B]))
      let back = try ONNXReader.read(contentsOf: path)
      #expect(try ONNXWriter.bytes(back) == ONNXWriter.bytes(model))
      try ONNXWriter.write(back, to: path)
      #expect(try contents(of: path) == once)
    }
  }
}
