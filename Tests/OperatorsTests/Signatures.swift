import Glibc
import Graphs
import Tensors

/// What onnx says of one version of an operator. The file is written by
/// tools/oracle/onnx_signatures.py, which states its format.
struct Signature: Sendable, CustomStringConvertible {
  struct Attribute: Sendable {
    var name: String
    var kind: AttributeSpec.Kind
    var isRequired: Bool
    var standard: Graphs.Attribute.Payload?
  }
  var domain: String
  var name: String
  var since: Int
  var isDeprecated: Bool
  var inputs: ClosedRange<Int>
  var outputs: ClosedRange<Int>
  var attributes: [Attribute]
  /// A bit for each element type, bit 0 for containers; the last is repeated where it is variadic.
  var inputTypes: [UInt32]
  var outputTypes: [UInt32]
  var description: String { "\(domain).\(name) \(since)" }

  /// All versions of all operators.
  static func read(_ path: String) throws -> [Signature] {
    guard let file = fopen(path, "r") else {
      throw EngineError(.inputMissing, "no signatures at \(path)")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let n = fread(&buffer, 1, buffer.count, file), n > 0 { bytes += buffer[..<n] }
    return try String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      .filter { !$0.hasPrefix("#") }.map { try Signature(line: $0) }
  }

  private init(line: Substring) throws {
    let f = line.split(separator: "\t").map(String.init)
    guard f.count == 9, let since = Int(f[2]) else {
      throw EngineError(.malformed, "not a line of signatures: \(line.prefix(80))")
    }
    domain = f[0] == "ai.onnx" ? "" : f[0]
    name = f[1]
    self.since = since
    isDeprecated = f[3] == "d"
    inputs = try Signature.range(f[4])
    outputs = try Signature.range(f[5])
    attributes = try Signature.words(f[6]).map { try Signature.attribute($0) }
    inputTypes = Signature.words(f[7]).compactMap { UInt32($0, radix: 16) }
    outputTypes = Signature.words(f[8]).compactMap { UInt32($0, radix: 16) }
  }

  private static func words(_ text: String) -> [String] {
    text == "-" ? [] : text.split(separator: " ").map(String.init)
  }

  private static func range(_ text: String) throws -> ClosedRange<Int> {
    let ends = text.split(separator: "-")
    guard ends.count == 2, let low = Int(ends[0]), let high = ends[1] == "*" ? .max : Int(ends[1])
    else { throw EngineError(.malformed, "no range: \(text)") }
    return low...high
  }

  private static func attribute(_ text: String) throws -> Attribute {
    let parts = text.split(separator: ":", maxSplits: 1)
    let rest = parts[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let kindName = rest[0].filter { $0 != "!" }
    guard let kind = AttributeSpec.Kind(rawValue: String(kindName)) else {
      throw EngineError(.malformed, "no kind of attribute: \(text)")
    }
    return Attribute(
      name: String(parts[0]), kind: kind, isRequired: rest[0].hasSuffix("!"),
      standard: rest.count > 1 ? payload(kind, String(rest[1])) : nil)
  }

  private static func payload(_ kind: AttributeSpec.Kind, _ text: String) -> Graphs.Attribute
    .Payload?
  {
    let list = text.split(separator: ",").map(String.init)
    switch kind {
    case .int: return Int64(text).map { .int($0) }
    case .ints: return .ints(list.compactMap { Int64($0) })
    case .float: return Float(text).map { .float($0) }
    case .floats: return .floats(list.compactMap { Float($0) })
    case .string: return .string(hex(text))
    case .strings: return .strings(list.map { hex($0) })
    default: return nil
    }
  }

  private static func hex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
    }
  }
}
