import DLRun
import Graphs
import Tensors
import Testing

/// Recurrent layers whose weights are constants against the same with weights that a run gives.
@Suite struct RecurrentSessionTests {
  private func tensor(_ shape: [Int], _ seed: UInt32) throws -> Tensor {
    var state = seed
    let scale = 1 / Float(shape.last ?? 1).squareRoot()
    return try Tensor(
      shape: Shape(shape),
      (0..<shape.reduce(1, *)).map { _ -> Float in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(Int32(state >> 8) - (1 << 23)) / Float(1 << 23) * scale
      })
  }

  /// The outputs with weights as initializers, or as inputs.
  private func run(
    _ type: String, gates: Int, _ attributes: [Attribute], directions: Int, batch: Int,
    constant: Bool, threads: Int
  ) throws -> [Tensor?] {
    let (steps, depth, hidden) = (13, 21, 37)
    let shapes = [
      [steps, batch, depth], [directions, gates * hidden, depth],
      [directions, gates * hidden, hidden], [directions, 2 * gates * hidden],
    ]
    var g = Graph()
    var ids: [ValueID?] = []
    var inputs: [String: Tensor] = [:]
    for (i, shape) in shapes.enumerated() {
      let values = try tensor(shape, UInt32(i + 1))
      if constant, i > 0 {
        ids.append(g.addInitializer("x\(i)", values))
      } else {
        inputs["x\(i)"] = values
        ids.append(g.addInput("x\(i)", Fact(TensorType(.float32, Shape(shape)))))
      }
    }
    let count = type == "LSTM" ? 3 : 2
    let outputs = (0..<count).map { g.addValue("y\($0)", Fact(nil, nil)) }
    g.nodes = [
      .init(name: "node", type: type, attributes: attributes, inputs: ids, outputs: outputs)
    ]
    g.outputs = outputs
    var model = Model(g)
    model.opsets = [("", 22)]
    let session = try Session(model, options: .init(threads: threads))
    let results = try session.run(inputs)
    return (0..<count).map { results[$0] }
  }

  @Test(arguments: [("LSTM", 4), ("GRU", 3), ("GRU linear", 3), ("RNN", 1)])
  func constantWeightsGiveTheSame(_ name: String, _ gates: Int) throws {
    let type = name.split(separator: " ").first.map(String.init) ?? name
    for direction in ["forward", "reverse", "bidirectional"] {
      for batch in [1, 3] {
        var attributes: [Attribute] = [.string("direction", direction)]
        if name == "GRU linear" { attributes.append(.int("linear_before_reset", 1)) }
        let directions = direction == "bidirectional" ? 2 : 1
        let plain = try run(
          type, gates: gates, attributes, directions: directions, batch: batch, constant: false,
          threads: 1)
        let packed = try run(
          type, gates: gates, attributes, directions: directions, batch: batch, constant: true,
          threads: 1)
        for (a, b) in zip(packed, plain) {
          let (a, b) = (try #require(a), try #require(b))
          #expect(a.shape == b.shape)
          for (x, y) in zip(a.elements(Float.self), b.elements(Float.self)) {
            #expect((x - y).magnitude <= 2e-6)
          }
        }
        for threads in [2, 3] {
          let other = try run(
            type, gates: gates, attributes, directions: directions, batch: batch, constant: true,
            threads: threads)
          for (a, b) in zip(packed, other) {
            #expect(a?.elements(Float.self).map { $0 } == b?.elements(Float.self).map { $0 })
          }
        }
      }
    }
  }
}
