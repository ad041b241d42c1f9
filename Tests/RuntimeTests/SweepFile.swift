import DLRun
import Graphs
import Tensors

@testable import Formats

/// One case of the sweep: a model, its inputs and what must come out.
struct SweepCase {
  var name: String
  var model: [UInt8]
  var rtol: Double
  var atol: Double
  var inputs: [[UInt8]]
  var outputs: [[UInt8]]

  /// All cases of a file; tools/oracle/sweep writes it and states its format.
  static func read(_ path: String) throws -> [SweepCase] {
    let packed = try FileBytes(mapping: path, limit: 1 << 30)
    let whole = try withExtendedLifetime(packed) { try Gzip.inflate(packed.bytes, limit: 1 << 30) }
    var bytes = Bytes(rest: withExtendedLifetime(whole) { Array(whole.bytes)[...] })
    var cases: [SweepCase] = []
    while !bytes.rest.isEmpty {
      let name = String(decoding: try bytes.field(), as: UTF8.self)
      let model = try bytes.field()
      let tolerance = String(decoding: try bytes.field(), as: UTF8.self).split(separator: " ")
      guard tolerance.count == 2, let rtol = Double(tolerance[0]), let atol = Double(tolerance[1])
      else { throw EngineError(.malformed, "no tolerance of \(name)") }
      cases.append(
        SweepCase(
          name: name, model: model, rtol: rtol, atol: atol, inputs: try bytes.fields(),
          outputs: try bytes.fields()))
    }
    return cases
  }

  private struct Bytes {
    var rest: ArraySlice<UInt8>

    mutating func number() throws -> Int {
      guard rest.count >= 4 else { throw EngineError(.malformed, "the sweep's file ends early") }
      defer { rest = rest.dropFirst(4) }
      return rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    mutating func field() throws -> [UInt8] {
      let n = try number()
      guard rest.count >= n else { throw EngineError(.malformed, "the sweep's file ends early") }
      defer { rest = rest.dropFirst(n) }
      return Array(rest.prefix(n))
    }
    mutating func fields() throws -> [[UInt8]] {
      let n = try number()
      return try (0..<n).map { _ in try field() }
    }
  }
}
