import Formats
import Foundation
import Layers
import Tensors
import Testing
import Training

/// Inputs of a layer and what Keras gives: see `tools/oracle/training/preprocessing_fixtures.py`.
struct KerasRecord: CustomTestStringConvertible, @unchecked Sendable {
  let name: String
  let inputs: [Tensor]
  let output: Tensor

  var testDescription: String { name }

  static let all: [KerasRecord] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Fixtures/preprocessing.json")
    do {
      let data = try Foundation.Data(contentsOf: file)
      let cases = try JSONParser.parse([UInt8](data)).asObject?["cases"]?.asArray ?? []
      return try cases.compactMap { v in
        guard let o = v.asObject, case .string(let name)? = o["name"], let y = o["output"] else {
          return nil
        }
        return KerasRecord(
          name: name, inputs: try (o["inputs"]?.asArray ?? []).map(tensor), output: try tensor(y))
      }
    } catch { return [] }
  }()

  private static func tensor(_ value: JSONValue) throws -> Tensor {
    let o = try #require(value.asObject)
    let list = o["values"]?.asArray ?? []
    func number(_ v: JSONValue) -> Double {
      switch v {
      case .double(let d): d
      case .int(let i): Double(i)
      default: .nan
      }
    }
    let shape = try Shape(checking: (o["shape"]?.asArray ?? []).map { Int(number($0)) })
    guard case .string(let kind)? = o["dtype"] else { throw EngineError(.malformed, "no dtype") }
    switch kind {
    case "string":
      return try Tensor(
        shape: shape, strings: list.map { if case .string(let s) = $0 { s } else { "" } })
    case "int64": return try Tensor(shape: shape, list.map { Int64(number($0)) })
    case "bool": return try Tensor(shape: shape, list.map { number($0) != 0 })
    default: return try Tensor(shape: shape, list.map { Float(number($0)) })
    }
  }

  /// What keeps a result from being Keras', or nil. Whole numbers may have another type.
  func difference(_ y: Tensor) throws -> String? {
    guard y.shape == output.shape else { return "\(y.shape), expected \(output.shape)" }
    if output.dtype == .string {
      return y.strings == output.strings ? nil : "\(y.strings), expected \(output.strings)"
    }
    let (got, want) = (try y.numbers(), try output.numbers())
    let scale = max(1, want.map { abs($0) }.max() ?? 1)
    for (i, (a, b)) in zip(got, want).enumerated() where !(abs(a - b) <= 2e-5 * scale) {
      return "element \(i) is \(a), expected \(b)"
    }
    return nil
  }
}
