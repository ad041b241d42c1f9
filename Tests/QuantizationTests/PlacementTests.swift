import Graphs
import Operators
import Runtime
import Tensors
import Testing

@testable import Quantization

@Suite struct PlacementTests {
  private func placement(_ fixture: Fixture) throws -> (PreparedModel, [Layer], Placement) {
    let prepared = try PreparedModel(try fixture.model())
    let g = GraphEditor(prepared.graph, using: prepared.lookup)
    let layers = Layer.all(g, .init(mode: .static))
    return (prepared, layers, Placement(g, layers))
  }

  @Test func aConvolutionalNetworkStaysInIntegers() throws {
    let (prepared, layers, placement) = try placement(.digitsCNN)
    #expect(layers.count == 4)
    // Everything between input and logits, but the inside of convolution, sum and Relu.
    for node in prepared.graph.nodes where ["MaxPool", "GlobalAveragePool"].contains(node.type) {
      for case let id? in node.inputs + node.outputs {
        #expect(placement.quantised.contains(id) && placement.made.contains(id))
      }
    }
    // A maximum keeps the scale of what it is taken of.
    let pool = try #require(prepared.graph.nodes.first { $0.type == "MaxPool" })
    let (x, y) = (try #require(pool.inputs[0]), try #require(pool.outputs[0]))
    #expect(placement.groups.root(x) == placement.groups.root(y))
    // The logits of the last product stay in float.
    #expect(!placement.quantised.contains(prepared.graph.outputs[0]))
    #expect(placement.activations.count == 3)
  }

  @Test func reluGoesIntoTheQuantiser() throws {
    let model = try Fixture.digitsCNN.quantised(.init(mode: .static)).model
    #expect(!model.graph.nodes.contains { $0.type == "Relu" })
    var options = QuantizationOptions(mode: .static)
    options.symmetric = true
    let symmetric = try Fixture.digitsCNN.quantised(options).model
    #expect(symmetric.graph.nodes.count { $0.type == "Relu" } == 3)
  }

  @Test func aTransformerHasQuantisersAtProductsOnly() throws {
    let (prepared, layers, placement) = try placement(.digitsTransformer)
    let inputs = Set(layers.map(\.input))
    #expect(placement.quantised == inputs)
    #expect(placement.made.isEmpty)
    let model = try Fixture.digitsTransformer.quantised(.init(mode: .static)).model
    let norms = model.graph.nodes.filter { $0.type == "LayerNormalization" }
    #expect(norms.count == prepared.graph.nodes.count { $0.type == "LayerNormalization" })
  }

  @Test func batchesCutRows() throws {
    let ports = try Session(try Fixture.digitsCNN.model()).inputs
    let x = try Tensor(shape: [5, 1, 8, 8], [Float](repeating: 1, count: 320))
    let batches = try TensorBatches(["x": x], for: ports, batch: 2)
    var sizes: [Int] = []
    try batches.forEachBatch { (inputs, rows) throws(EngineError) in
      sizes.append(rows)
      return inputs["x"]?.shape[0] == rows
    }
    #expect(sizes == [2, 2, 1])
  }

  @Test func theDrawingIsXML() throws {
    let report = try Fixture.digitsCNN.quantised(.init(mode: .static)).report
    #expect(report.drawings.count > 4)
    let text = report.svg(title: "a < b & \"c\"")
    #expect(text.hasPrefix("<svg") && text.hasSuffix("</svg>\n"))
    #expect(text.contains("a &lt; b &amp; &quot;c&quot;"))
    #expect(text.components("<g ") == report.drawings.count)
  }
}

extension String {
  /// How often a text occurs.
  fileprivate func components(_ part: String) -> Int {
    indices.count { self[$0...].hasPrefix(part) }
  }
}
