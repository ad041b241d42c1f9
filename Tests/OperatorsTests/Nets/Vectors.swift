import Foundation
import Graphs
import Operators
import Tensors
import TestSupport
import Testing

/// Reference vectors in a line format, made by `tools/fixtures/vectors.py`.
///
/// `case NAME OPERATOR OPSET RTOL ATOL`, then `attr NAME KIND VALUE`, `in DTYPE DIMS HEX` and
/// `out DTYPE DIMS HEX` lines; `none` stands for an absent input or output, `-` for nothing.
struct VectorCase {
  var name = ""
  var type = ""
  var opset = 0
  var rtol = 1e-4
  var atol = 1e-5
  var attributes: [Attribute] = []
  var inputs: [Tensor?] = []
  var outputs: [Tensor?] = []

  static func load(_ path: String) throws -> [VectorCase] {
    var cases: [VectorCase] = []
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for line in text.split(separator: "\n") {
      let f = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      switch f[0] {
      case "case":
        var c = VectorCase()
        c.name = f[1]
        c.type = f[2]
        c.opset = try #require(Int(f[3]))
        c.rtol = try #require(Double(f[4]))
        c.atol = try #require(Double(f[5]))
        cases.append(c)
      case "attr": cases[cases.count - 1].attributes.append(try attribute(f))
      case "in": cases[cases.count - 1].inputs.append(try tensor(f))
      case "out": cases[cases.count - 1].outputs.append(try tensor(f))
      default: continue
      }
    }
    return cases
  }

  private static func attribute(_ f: [String]) throws -> Attribute {
    let value = f[3...].joined(separator: " ")
    let list = value.isEmpty ? [] : value.split(separator: ",").map(String.init)
    switch f[2] {
    case "i": return .int(f[1], try #require(Int(value)))
    case "is": return .ints(f[1], try list.map { try #require(Int($0)) })
    case "f": return .float(f[1], try #require(Float(value)))
    case "fs": return .floats(f[1], try list.map { try #require(Float($0)) })
    case "s": return .string(f[1], value.trimmingCharacters(in: CharacterSet(charactersIn: "\"")))
    default: return .strings(f[1], list)
    }
  }

  private static func tensor(_ f: [String]) throws -> Tensor? {
    if f[1] == "none" { return nil }
    let dtype = try #require(DType.allCases.first { "\($0)" == f[1] })
    let dims = f[2] == "-" ? [] : try f[2].split(separator: ",").map { try #require(Int($0)) }
    let hex = f[3] == "-" ? [] : Array(f[3].utf8)
    let type = TensorType(dtype, Shape(dims))
    #expect(hex.count == 2 * type.byteCount)
    func digit(_ c: UInt8) -> UInt8 { c < 58 ? c - 48 : c - 87 }
    let storage = try Storage(type)
    for i in 0..<hex.count / 2 {
      storage.bytes.storeBytes(
        of: digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]), toByteOffset: i, as: UInt8.self)
    }
    return Tensor(storage)
  }

  /// What is wrong, or nil.
  func failure() -> String? {
    do {
      let node = Graph.Node(
        type: type, attributes: attributes,
        inputs: inputs.enumerated().map { $1 == nil ? nil : ValueID($0) },
        outputs: outputs.indices.map { ValueID(inputs.count + $0) })
      let op = try Registry.make(node, opset: opset)
      let results = try Eager().evaluate(
        op, inputs.map { $0.map { .tensor($0) } }, outputs: outputs.count, runner: nil)
      for (i, want) in outputs.enumerated() {
        guard let want else { continue }
        guard let got = try results[i]?.asTensor() else { return "output \(i) was not made" }
        if let d = difference(got, want, rtol: rtol, atol: atol) { return "output \(i): \(d)" }
      }
      return nil
    } catch { return "\(error)" }
  }
}
