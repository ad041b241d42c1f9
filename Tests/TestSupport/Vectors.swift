import Glibc
import Graphs
import Operators
import Tensors

/// One reference case: an operator of some version, its inputs, and what must come out.
///
/// The files are written by tools/oracle/operator_vectors.py, which states their format.
public struct Vector: Sendable, CustomStringConvertible {
  public var name: String
  public var type: String
  /// Written before the type and a colon in the files; "" is ONNX's own.
  public var domain = ""
  public var opset: Int
  public var attributes: [Attribute] = []
  public var inputs: [Tensor?] = []
  public var outputs: [Tensor?] = []
  public var description: String { name }

  public init(name: String, type: String, domain: String = "", opset: Int) {
    self.name = name
    self.type = type
    self.domain = domain
    self.opset = opset
  }

  /// All cases of a file. A line that cannot be read is an error, never skipped.
  public static func read(_ path: String) throws -> [Vector] {
    var cases: [Vector] = []
    for line in try lines(of: path) {
      let words = line.split(separator: " ").map(String.init)
      switch words[0] {
      case "case":
        let type = words[2].split(separator: ":").map(String.init)
        cases.append(
          Vector(
            name: words[1], type: type[type.count - 1], domain: type.count > 1 ? type[0] : "",
            opset: Int(words[3]) ?? 0))
      case "attr":
        cases[cases.count - 1].attributes.append(
          Attribute(words[1], try payload(words[2], Array(words[3...]))))
      case "in": cases[cases.count - 1].inputs.append(try tensor(Array(words[1...])))
      case "out": cases[cases.count - 1].outputs.append(try tensor(Array(words[1...])))
      default: throw EngineError(.malformed, "not a line of vectors: \(line.prefix(80))")
      }
    }
    return cases
  }

  /// The outputs that the operator really gives.
  public func run() throws -> [Tensor?] {
    var graph = Graph()
    let inputs = self.inputs.map { $0.map { graph.addValue("", Fact($0.type)) } }
    let node = Graph.Node(
      type: type, domain: domain, attributes: attributes, inputs: inputs,
      outputs: outputs.map { $0 == nil ? nil : graph.addValue("", Fact(nil, nil)) })
    let op = try Registry.make(node, opset: opset)
    let values = try Eager().evaluate(
      op, self.inputs.map { $0.map { .tensor($0) } }, outputs: outputs.count, runner: nil)
    return try values.map { try $0?.asTensor() }
  }

  private static func hex(_ text: String) throws -> [UInt8] {
    if text == "_" || text == "." { return [] }
    var bytes: [UInt8] = []
    let digits = Array(text.utf8)
    for i in stride(from: 0, to: digits.count - 1, by: 2) {
      guard let byte = UInt8(String(decoding: digits[i...i + 1], as: UTF8.self), radix: 16) else {
        throw EngineError(.malformed, "not hexadecimal: \(text.prefix(40))")
      }
      bytes.append(byte)
    }
    return bytes
  }

  private static func list(_ text: String) -> [String] {
    text == "_" ? [] : text.split(separator: ",").map(String.init)
  }

  private static func tensor(_ words: [String]) throws -> Tensor? {
    if words[0] == "none" { return nil }
    guard let code = UInt8(words[0]), let dtype = DType(rawValue: code) else {
      throw EngineError(.malformed, "no element type: \(words[0])")
    }
    let shape = try Shape(checking: words[1] == "-" ? [] : list(words[1]).compactMap { Int($0) })
    if dtype == .string {
      return try Tensor(
        shape: shape,
        strings: try list(words[2]).map { String(decoding: try hex($0), as: UTF8.self) })
    }
    let bytes = try hex(words[2])
    let type = TensorType(dtype, shape)
    guard bytes.count == type.byteCount else {
      throw EngineError(.malformed, "\(bytes.count) bytes for \(type)")
    }
    return try Tensor(type) { (memory) throws(EngineError) in memory.copyBytes(from: bytes) }
  }

  private static func payload(_ kind: String, _ words: [String]) throws -> Attribute.Payload {
    switch kind {
    case "i": return .int(Int64(words[0]) ?? 0)
    case "is": return .ints(list(words[0]).compactMap { Int64($0) })
    case "f": return .float(Float(words[0]) ?? .nan)
    case "fs": return .floats(list(words[0]).compactMap { Float($0) })
    case "s": return .string(try hex(words[0]))
    case "ss": return .strings(try list(words[0]).map { try hex($0) })
    case "t":
      guard let t = try tensor(words) else { throw EngineError(.malformed, "no tensor") }
      return .tensor(t)
    default: throw EngineError(.malformed, "no attribute kind: \(kind)")
    }
  }
}

/// The lines of a text file that are not empty.
public func lines(of path: String) throws -> [String] {
  guard let file = fopen(path, "r") else {
    throw EngineError(.inputMissing, "no vectors at \(path)")
  }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let n = fread(&buffer, 1, buffer.count, file)
    if n == 0 { break }
    bytes += buffer[..<n]
  }
  return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
}
