import Formats
import Graphs
import Layers
import Runtime
import Tensors
import Training

/// Joins encoding, network and what reads its last layer into one model that takes raw inputs.
struct SavedModel {
  let problem: Problem

  /// - `example`: a few encoded samples. - Errors: those of `exportedModel`.
  func model(_ network: Network, example: Tensor) throws -> ModelGraph {
    let exported = try exportedModel(network, inputs: [("network.input", example)]) { net, xs in
      [("network.output", try net(xs[0]))]
    }
    var a = GraphAssembly()
    let raw = problem.encoding.declare(&a)
    let encoded = try problem.encoding.add(to: &a, raw)
    guard let last = try a.append(exported.graph, [encoded]).first else {
      throw EngineError(.internalDefect, "a network has no output")
    }
    let batch = Dim(symbol: "batch")
    switch problem.goal {
    case .classes(let names):
      let p = a.add(
        "Softmax", [last], [.int("axis", -1)], name: "decode/softmax", dtype: .float32)
      let label = a.add(
        "ArgMax", [last], [.int("axis", -1), .int("keepdims", 0)], name: "decode/label",
        dtype: .int64)
      a.output(p, "probabilities", .float32, [batch, Dim(names.count)])
      a.output(label, "label", .int64, [batch])
    case .characters(let names):
      let p = a.add(
        "Softmax", [last], [.int("axis", -1)], name: "decode/softmax", dtype: .float32)
      let window = Dim(problem.encoding.sampleSizes[0])
      a.output(p, "probabilities", .float32, [batch, window, Dim(names.count)])
    case .number(_, let mean, let deviation):
      let scale = a.constant("decode/deviation", try Tensor([Float(deviation)]))
      let shift = a.constant("decode/mean", try Tensor([Float(mean)]))
      let scaled = a.add("Mul", [last, scale], name: "decode/scaled", dtype: .float32)
      let y = a.add("Add", [scaled, shift], name: "decode/shifted", dtype: .float32)
      a.output(y, "prediction", .float32, [batch, 1])
    }
    a.graph.name = "dlrun.train"
    var model = a.model(opset: exported.opset("") ?? 17)
    for (domain, version) in exported.opsets where !domain.isEmpty {
      if model.opset(domain) == nil { model.opsets.append((domain, version)) }
    }
    switch problem.goal {
    case .classes(let names), .characters(let names):
      model.metadata.append(
        .init("dlrun.classes", JSONWriter.string(of: .array(names.map { .string($0) }))))
    case .number: break
    }
    for (key, value) in problem.metadata { model.metadata.append(.init(key, value)) }
    return model
  }

  static func write(_ model: ModelGraph, to path: String) throws(EngineError) {
    let file = try AtomicFile(path)
    try file.write(ONNXWriter.bytes(model))
    try file.commit()
  }
}
