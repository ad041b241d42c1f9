import Converters
import Formats
import Glibc
import Graphs
import Runtime
import Tensors
import TestSupport
import Testing

/// Committed models with inputs and outputs of the framework that made them.
struct Case: Sendable, CustomTestStringConvertible {
  let name: String
  let model: String
  var testDescription: String { name }

  static let fixtures =
    "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/Fixtures"

  /// The cases below `folder`, by name.
  static func all(_ folder: String) -> [Case] {
    var cases: [Case] = []
    for name in entries(of: fixtures + "/" + folder) {
      let here = "\(fixtures)/\(folder)/\(name)"
      for file in ["frozen.pb", "saved_model", "model.tflite"]
      where access(here + "/" + file, R_OK) == 0 {
        cases.append(Case(name: name, model: here + "/" + file))
      }
    }
    return cases
  }

  static func entries(of path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// Converts, runs, and holds every output against the framework's.
  ///
  /// - `steps`: how many steps an integer output may be off.
  func check(steps: Int = 1) throws {
    let result = try Conversion.convert(path: model)
    let session = try Session(result.model)
    let folder = String(model[..<(model.lastIndex(of: "/") ?? model.endIndex)])
    var arrays: [String: Tensor] = [:]
    for (name, t) in try TensorFile.read(folder + "/io.npz") { if let name { arrays[name] = t } }
    var inputs: [String: Value] = [:]
    for (i, port) in session.inputs.enumerated() {
      let array = try #require(arrays["in_\(i)"], "no input \(i)")
      inputs[port.name] = .tensor(array)
    }
    let outputs = try session.run(values: inputs)
    #expect(!session.outputs.isEmpty)
    for (i, port) in session.outputs.enumerated() {
      let wanted = try #require(arrays["out_\(i)"], "no output \(i)")
      let isStep = wanted.dtype == .int8 || wanted.dtype == .uint8
      let problem = difference(
        outputs.values[i], .tensor(wanted), rtol: isStep ? 0 : 1e-5,
        atol: isStep ? Double(steps) : 1e-5 * largest(wanted))
      #expect(problem == nil, "\(name), output '\(port.name)'")
    }
  }

  private func largest(_ t: Tensor) -> Double {
    switch t.dtype {
    case .float32: t.elements(Float.self).reduce(1e-6) { max($0, Double($1.magnitude)) }
    case .float64: t.elements(Double.self).reduce(1e-6) { max($0, $1.magnitude) }
    default: 1e-6
    }
  }
}
