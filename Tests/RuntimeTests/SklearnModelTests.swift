import DLRun
import Formats
import Foundation
import TestSupport
import Tensors
import Testing

/// Models of scikit-learn give its own labels, scores and probabilities.
///
/// A small selection of what tools/oracle/sklearn_models.py writes; see there how it was made.
@Suite struct SklearnModelTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "OperatorsTests/Vectors/sklearn").path
  static let names =
    (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted() ?? []

  @Test func selectionIsThere() { #expect(Self.names.count >= 50) }

  @Test(arguments: names) func agrees(_ name: String) throws {
    let base = "\(Self.folder)/\(name)"
    let session = try Session(
      ONNXReader.read(contentsOf: base + "/model.onnx"), options: .init(threads: 2))
    var inputs: [String: Value] = [:]
    for (i, port) in session.inputs.enumerated() {
      inputs[port.name] = try TensorProtoFile.read(
        "\(base)/test_data_set_0/input_\(i).pb", expecting: port.type)
    }
    let got = try session.run(values: inputs)
    for (i, port) in session.outputs.enumerated() {
      let want = try TensorProtoFile.read(
        "\(base)/test_data_set_0/output_\(i).pb", expecting: port.type)
      let wrong = try unlike(#require(got.values[i]), want)
      #expect(wrong == nil, "\(name), \(port.name): \(wrong ?? "")")
    }
  }

  private func unlike(_ got: Value, _ want: Value) throws -> String? {
    switch (got, want) {
    case (.tensor(let a), .tensor(let b)): return difference(a, b, rtol: 1e-3, atol: 1e-4)
    case (.sequence(let a), .sequence(let b)):
      if a.count != b.count { return "\(a.count) elements, expected \(b.count)" }
      for (x, y) in zip(a, b) { if let wrong = try unlike(x, y) { return wrong } }
      return nil
    case (.map(let a), .map(let b)):
      return try difference(a.keys, b.keys)
        ?? difference(numbers(a.values), numbers(b.values), rtol: 1e-3, atol: 1e-4)
    default: return "\(got.kind), expected \(want.kind)"
    }
  }

  private func numbers(_ values: Value) throws -> Tensor {
    guard case .sequence(let list) = values else { return try values.asTensor() }
    return try Tensor(list.map { try $0.asTensor().values(as: Float.self)[0] })
  }
}
