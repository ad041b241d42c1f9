import Glibc
import Tensors
import Testing

@testable import Formats

/// A file that exists while `body` runs.
func withFile<T>(_ bytes: [UInt8], _ ending: String = "", _ body: (String) throws -> T) throws -> T
{
  var template = Array("/tmp/dlrun-formats-XXXXXX\(ending)".utf8CString)
  let fd = mkstemps(&template, Int32(ending.utf8.count))
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { unlink(path) }
  let written = bytes.withUnsafeBytes { write(fd, $0.baseAddress, $0.count) }
  close(fd)
  #expect(written == bytes.count)
  return try body(path)
}

func contents(of path: String) throws -> [UInt8] { try InputFile(path).contents }

/// The error that `body` throws, or nil.
func failure<T>(_ body: () throws -> T) -> EngineError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? EngineError
  }
}

/// Every shortened copy of `bytes` must be refused, or read as something, and never trap.
/// Likewise every copy with one bit flipped. Returns how many were accepted.
func attack(_ bytes: [UInt8], _ read: ([UInt8]) throws -> Void) -> (cut: Int, flipped: Int) {
  var accepted = (cut: 0, flipped: 0)
  func run(_ copy: [UInt8]) -> Bool {
    do {
      try read(copy)
      return true
    } catch {
      #expect(error is EngineError)
      return false
    }
  }
  for length in 0..<bytes.count where run(Array(bytes[0..<length])) { accepted.cut += 1 }
  for bit in 0..<(bytes.count * 8) {
    var copy = bytes
    copy[bit / 8] ^= 1 << UInt8(bit % 8)
    if run(copy) { accepted.flipped += 1 }
  }
  return accepted
}

extension Tensor {
  var floats: [Float] { Array(elements(Float.self)) }
}
