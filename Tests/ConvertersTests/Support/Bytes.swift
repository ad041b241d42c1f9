import Converters
import Glibc
import Tensors

/// Messages of protobuf put together by hand.
enum Proto {
  static func varint(_ n: Int) -> [UInt8] {
    var v = UInt64(bitPattern: Int64(n))
    var out: [UInt8] = []
    while v > 127 {
      out.append(UInt8(v & 127) | 128)
      v >>= 7
    }
    return out + [UInt8(v)]
  }
  static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(bytes.count) + bytes
  }
  static func field(_ number: Int, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
  static func field(_ number: Int, int n: Int) -> [UInt8] { varint(number << 3) + varint(n) }

  /// A node of TensorFlow.
  static func node(
    _ name: String, _ op: String, _ inputs: [String] = [], _ attributes: [(String, [UInt8])] = []
  ) -> [UInt8] {
    field(1, name) + field(2, op) + inputs.flatMap { field(3, $0) }
      + attributes.flatMap { field(5, field(1, $0.0) + field(2, $0.1)) }
  }
  static func placeholder(_ name: String = "x") -> [UInt8] {
    node(name, "Placeholder", [], [("dtype", field(6, int: 1)), ("shape", shape([2]))])
  }
  static func shape(_ dims: [Int]) -> [UInt8] {
    field(7, dims.flatMap { field(2, field(1, int: $0)) })
  }
  /// A graph of nodes with functions.
  static func graph(_ nodes: [[UInt8]], functions: [[UInt8]] = []) -> [UInt8] {
    nodes.flatMap { field(1, $0) }
      + (functions.isEmpty ? [] : field(2, functions.flatMap { field(1, $0) }))
  }
  /// A function of one argument `x` and one result.
  static func function(_ name: String, _ nodes: [[UInt8]], result: String) -> [UInt8] {
    field(1, field(1, name) + field(2, field(1, "x")) + field(3, field(1, "y")))
      + nodes.flatMap { field(3, $0) } + field(4, field(1, "y") + field(2, result))
  }
}

/// A file that lives as long as the object.
final class Scratch {
  let path: String

  init(_ bytes: [UInt8] = []) {
    var name = Array("/tmp/dlrun-converters-XXXXXX".utf8CString)
    let fd = mkstemp(&name)
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    bytes.withUnsafeBytes { _ = Glibc.write(fd, $0.baseAddress, $0.count) }
    close(fd)
  }
  deinit { unlink(path) }
}

/// What converting `bytes` ends in: nil where it succeeds.
func failure(_ bytes: [UInt8]) -> EngineError? {
  let file = Scratch(bytes)
  do throws(EngineError) {
    _ = try Conversion.convert(path: file.path)
    return nil
  } catch { return error }
}
