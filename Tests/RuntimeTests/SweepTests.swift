import DLRun
import Formats
import Graphs
import Runtime
import TestSupport
import Tensors
import Testing

/// Operators over all their dtypes, versions and edges, as ONNX Runtime and onnx's reference
/// evaluator answer them, with one thread and with two: see tools/oracle/sweep.
@Suite struct SweepTests {
  static let parts = [0, 1, 2, 3]

  @Test(arguments: parts) func answersAndThreads(_ part: Int) throws {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    let cases = try SweepCase.read("/\(folder)/Sweep/sweep-\(part).gz")
    #expect(cases.count > 2000)
    for c in cases {
      do {
        try check(c)
      } catch {
        Issue.record("\(c.name): \(error)")
      }
    }
  }

  private func check(_ c: SweepCase) throws {
    let model = try ONNXReader.read(bytes: c.model, name: c.name)
    let one = try Session(model, options: .init(threads: 1))
    let two = try Session(model, options: .init(threads: 2))
    var inputs: [String: Value] = [:]
    for (port, bytes) in zip(one.inputs, c.inputs) where !bytes.isEmpty {
      inputs[port.name] = try TensorProtoFile.read(bytes: bytes, expecting: port.type)
    }
    let (got, again) = (try one.run(values: inputs), try two.run(values: inputs))
    #expect(c.outputs.count == one.outputs.count, "\(c.name)")
    for (i, (port, bytes)) in zip(one.outputs, c.outputs).enumerated() where !bytes.isEmpty {
      let want = try TensorProtoFile.read(bytes: bytes, expecting: port.type)
      if let difference = difference(got.values[i], want, rtol: c.rtol, atol: c.atol) {
        Issue.record("\(c.name), \(port.name): \(difference)")
      }
      #expect(
        haveSameBits(got.values[i], again.values[i]), "\(c.name), \(port.name): threads matter")
    }
  }
}
