import Graphs
import Operators
import TestSupport
import Tensors
import Testing

/// Tree ensembles against onnxruntime and scikit-learn.
@Suite struct TreeVectorTests {
  static let vectors: [Vector] = {
    let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    return (try? Vector.read("/\(folder)/Vectors/trees.txt")) ?? []
  }()

  @Test func vectorsAreThere() { #expect(Self.vectors.count == 81) }

  @Test(arguments: vectors) func gives(_ v: Vector) throws {
    var graph = Graph()
    let inputs = v.inputs.map { $0.map { graph.addValue("", Fact($0.type)) } }
    let node = Graph.Node(
      type: v.type, domain: "ai.onnx.ml", attributes: v.attributes, inputs: inputs,
      outputs: v.outputs.map { _ in graph.addValue("", Fact(nil, nil)) })
    let op = try Registry.make(node, opset: v.opset)
    for threads in [1, 3] {
      let got = try Eager(pool: threads == 1 ? .single : .init(threads: threads)).evaluate(
        op, v.inputs.map { $0.map { .tensor($0) } }, outputs: v.outputs.count, runner: nil)
      try #require(got.count == v.outputs.count)
      for (i, (g, want)) in zip(got, v.outputs).enumerated() {
        guard let want else { continue }
        let g = try #require(try g?.asTensor())
        #expect(difference(g, want, rtol: 1e-5, atol: 1e-6) == nil, "output \(i): \(g) \(want)")
      }
    }
  }
}
