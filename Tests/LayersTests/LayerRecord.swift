import Formats
import Foundation
import Glibc
import Layers
import Tensors
import Testing
import Training

/// One layer on small inputs, and what Keras computes: see `tools/oracle/training/layer_fixtures.py`.
struct LayerRecord: CustomTestStringConvertible, Sendable {
  let name: String
  let inputs: [[Int]]
  let isWhole: Bool
  let isMasked: Bool
  let isTraining: Bool
  let parameters: [(name: String, sizes: [Int])]
  let outputs: [(sizes: [Int], values: [Double])]
  /// By the inputs, where they are real numbers, then by the parameters.
  let gradients: [[Double]]
  let states: [(name: String, values: [Double])]

  var testDescription: String { name }

  static let all: [LayerRecord] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Fixtures/layers.json")
    do {
      let data = try Foundation.Data(contentsOf: file)
      let cases = try JSONParser.parse([UInt8](data)).asObject?["cases"]?.asArray ?? []
      return cases.compactMap { $0.asObject.map { LayerRecord(reading: $0) } }
    } catch { return [] }
  }()

  private init(reading o: JSONObject) {
    func text(_ v: JSONValue?) -> String { if case .string(let s)? = v { s } else { "" } }
    func flag(_ v: JSONValue?) -> Bool { if case .bool(let b)? = v { b } else { false } }
    func number(_ v: JSONValue) -> Double {
      switch v {
      case .double(let d): d
      case .int(let i): Double(i)
      default: .nan
      }
    }
    func numbers(_ v: JSONValue?) -> [Double] { (v?.asArray ?? []).map(number) }
    func sizes(_ v: JSONValue?) -> [Int] { numbers(v).map { Int($0) } }
    func pair(_ v: JSONValue) -> (JSONValue?, JSONValue?) { (v.asArray?.first, v.asArray?.last) }
    name = text(o["name"])
    inputs = (o["inputs"]?.asArray ?? []).map { sizes($0) }
    isWhole = flag(o["whole"])
    isMasked = flag(o["masked"])
    isTraining = flag(o["training"])
    parameters = (o["params"]?.asArray ?? []).map { (text(pair($0).0), sizes(pair($0).1)) }
    outputs = (o["outputs"]?.asArray ?? []).map {
      (sizes($0.asObject?["shape"]), numbers($0.asObject?["values"]))
    }
    gradients = (o["gradients"]?.asArray ?? []).map { numbers($0) }
    states = (o["states"]?.asArray ?? []).map { (text(pair($0).0), numbers(pair($0).1)) }
  }

  private static func tensor(_ sizes: [Int], _ f: (Int) -> Double) throws -> Tensor {
    try Tensor(
      shape: Shape(checking: sizes), (0..<sizes.reduce(1, *)).map { Float(f($0)) })
  }

  /// The inputs for a batch as in the file.
  func tensors() throws -> [Tensor] {
    try inputs.enumerated().map { j, sizes in
      if isWhole {
        return try Tensor(
          shape: Shape(checking: sizes), (0..<sizes.reduce(1, *)).map { Int64(7 * $0 % 5) })
      }
      return try Self.tensor(sizes) { Glibc.sin(0.61 * Double($0) + Double(j) + 0.3) }
    }
  }

  func masks() throws -> [Tensor?] {
    guard isMasked, let first = inputs.first else { return [] }
    return [
      try Tensor(
        shape: Shape(checking: Array(first.prefix(2))),
        (0..<first[0] * first[1]).map { $0 % 4 != 2 })
    ]
  }

  /// The layer, built for a batch of any size, with the file's parameters and states.
  func layer() throws -> Layer? {
    guard let layer = try LayerCases.all[name]?() else { return nil }
    try layer.prepare(
      for: inputs.map { LayerShape([nil] + $0.dropFirst().map { Optional($0) }) })
    for (k, p) in parameters.enumerated() {
      let found = try layer.parameter(p.name)
      let made = try Self.tensor(p.sizes) { 0.5 * Glibc.cos(0.37 * Double($0) + Double(k)) }
      guard found.value.shape == made.shape else {
        throw EngineError(
          .shape, "parameter \(p.name)", expected: "\(made.shape)",
          received: "\(found.value.shape)")
      }
      found.value = made
    }
    for (k, s) in layer.states.enumerated() where k < states.count {
      s.value = try Self.tensor(s.value.shape.array) { 0.3 + 0.1 * Double($0) + Double(k) }
    }
    return layer
  }
}

/// The sum of all outputs' elements, element `i` times `cos(0.23 i)`.
func weighted(_ outputs: [Tensor]) throws -> Tensor {
  try sumOf(
    outputs.map { y in
      let weights = (0..<y.count).map { Float(Glibc.cos(0.23 * Double($0))) }
      return try (y * Tensor(shape: y.shape, weights)).sum()
    })
}
