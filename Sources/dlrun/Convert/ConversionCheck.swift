import Formats
import Graphs
import Runtime
import Tensors

/// A converted model run on given inputs, its outputs beside the expected ones.
struct ConversionCheck {
  /// By output: what differs.
  let outputs: [(name: String, difference: Difference)]

  /// The largest relative difference; NaN where shapes differ.
  var largest: Double {
    outputs.reduce(0) {
      $1.difference.relative.isNaN || $0.isNaN ? .nan : max($0, $1.difference.relative)
    }
  }

  /// Runs `model` on the arrays of the file `path`: those named as inputs and outputs, else `in_0`
  /// and `out_0` and so on, in the model's order.
  ///
  /// Errors: `.usage` where an input has no array, or no output has one.
  init(model: String, against path: String) throws(EngineError) {
    let session = try Session(try ModelFile.read(contentsOf: model))
    var arrays: [String: Tensor] = [:]
    for (name, value) in try TensorFile.read(path) { if let name { arrays[name] = value } }
    var inputs: [String: Value] = [:]
    for (i, port) in session.inputs.enumerated() {
      guard let array = arrays[port.name] ?? arrays["in_\(i)"] else {
        if port.isOptional { continue }
        throw EngineError(
          .usage, "the file has no array for input '\(port.name)'",
          expected: "'\(port.name)' or 'in_\(i)'",
          received: arrays.keys.sorted().joined(separator: ", "), subject: .init(file: path))
      }
      inputs[port.name] = try inFile(path) { () throws(EngineError) in
        try port.fit(.tensor(array))
      }
    }
    let results = try session.run(values: inputs)
    var differences: [(name: String, difference: Difference)] = []
    for (i, port) in session.outputs.enumerated() {
      guard let wanted = arrays[port.name] ?? arrays["out_\(i)"] else { continue }
      differences.append((port.name, Difference(.tensor(wanted), results.values[i])))
    }
    guard !differences.isEmpty else {
      throw EngineError(
        .usage, "the file has no array for any output", expected: "'out_0'",
        received: arrays.keys.sorted().joined(separator: ", "), subject: .init(file: path))
    }
    outputs = differences
  }
}
