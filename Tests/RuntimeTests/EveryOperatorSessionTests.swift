import DLRun
import Formats
import Operators
import Tensors
import TestSupport
import Testing

/// Every operator gives in a session, planned or dynamic, what it gives when run at once, and the
/// same again after its model was written and read.
@Suite struct EveryOperatorSessionTests {
  static let names: [String] = Registry.all.map { $0.schema.domain + ":" + $0.schema.name }

  private func check(_ key: String, _ body: (Schema.Case, [Tensor]) throws -> Void) throws {
    let parts = key.split(separator: ":", omittingEmptySubsequences: false)
    let type = try #require(Registry.find(domain: String(parts[0]), name: String(parts[1])))
    for c in try type.schema.cases() where type.schema.isDeterministic {
      let want = try Eager().evaluate(
        c.op, c.inputs.map { $0.map { .tensor($0) } }, outputs: c.outputCount, runner: nil
      ).map { try #require($0).asTensor() }
      try body(c, want)
    }
  }

  @Test(arguments: names) func sessionEqualsEager(_ key: String) throws {
    try check(key) { (c, want) in
      for constants in [false, true] {
        let (model, inputs) = try OperatorModel.of(c, constants: constants)
        let session = try Session(model, options: .init(threads: 1))
        for _ in 0..<2 {
          let got = try session.run(inputs)
          for (i, w) in want.enumerated() {
            let value = try #require(got[i])
            // Byte kernels have scales of 22 bits: exact halves may go to the other neighbour.
            if key == ":QLinearConv" {
              #expect(areStepsApart(value, w), "\(key) output \(i)")
            } else {
              #expect(difference(value, w) == nil, "\(key) output \(i)")
            }
          }
        }
      }
    }
  }

  @Test(arguments: names) func modelSurvivesWritingAndReading(_ key: String) throws {
    try check(key) { (c, want) in
      let (model, inputs) = try OperatorModel.of(c, constants: false)
      let bytes = try ONNXWriter.bytes(model)
      let back = try ONNXReader.read(bytes: bytes, name: "memory")
      let got = try Session(back, options: .init(threads: 1)).run(inputs)
      for (i, w) in want.enumerated() {
        #expect(try difference(#require(got[i]), w) == nil, "\(key) output \(i)")
      }
    }
  }

  /// Whether bytes differ by one at most.
  private func areStepsApart(_ a: Tensor, _ b: Tensor) -> Bool {
    guard a.type == b.type else { return false }
    if a.dtype == .int8 {
      return zip(a.elements(Int8.self), b.elements(Int8.self)).allSatisfy {
        abs(Int($0) - Int($1)) <= 1
      }
    }
    return a.dtype == .uint8
      && zip(a.rawBytes, b.rawBytes).allSatisfy { abs(Int($0) - Int($1)) <= 1 }
  }
}
