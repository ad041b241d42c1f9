import Formats
import Graphs
import Tensors

/// TensorFlow Lite: float, float16 and integer models.
///
/// Quantised tensors stay integers between operators; each operator works on the numbers that they
/// stand for (`DequantizeLinear`), and its result is rounded to the result's scale
/// (`QuantizeLinear`), which the compiler turns into integer kernels.
public enum TFLiteConverter: Converter {
  public static let kinds: [SourceKind] = [.tflite]

  public static var operators: [SourceOperator] {
    LiteOperators.table.values.map { SourceOperator($0.name, $0.note) }
  }

  public static func convert(
    path: String, kind: SourceKind, options: ConversionOptions
  ) throws(EngineError) -> ConversionResult {
    options.progress?("reading", 0)
    let model = try LiteModel(try FileBytes(mapping: path, limit: 1 << 40))
    try survey(model, kind)
    let session = LiteSession(model)
    let signature = try model.signature(options.signature)
    let graph = try session.graph(signature?.subgraph ?? 0)
    let scope = LiteScope(session, graph)
    let b = session.builder
    for i in graph.inputs {
      let tensor = graph.tensors[i]
      let name = signature?.inputs[i] ?? tensor.name
      guard let dtype = tensor.dtype else {
        throw EngineError(.unsupported, "input '\(name)' has a type without tensors")
      }
      let dims =
        options.shapes[name].map { $0.map { Dim($0) } }
        ?? tensor.signature.enumerated().map { axis, n in
          n >= 0
            ? Dim(n)
            : Dim(symbol: axis == 0 && graph.inputs.count == 1 ? "batch" : "\(name)_size\(axis)")
        }
      scope.set(i, .tensor(b.input(name, Fact(dtype, dims))))
    }
    b.recorded = options.recorder(of: path)
    let results = try scope.run()
    b.scope = ""
    for (i, result) in zip(graph.outputs, results) {
      guard case .tensor(let id) = result else {
        throw EngineError(.unsupported, "an output is no tensor")
      }
      try b.output(signature?.outputs[i] ?? graph.tensors[i].name, id)
    }
    options.progress?("completing", 0.7)
    let made = try ModelCompletion.model(b.graph, opset: options.opset)
    return ConversionResult(made, kind: kind, notes: session.notes)
  }

  /// Errors: `.unsupported` listing all operators that are not converted.
  private static func survey(_ model: LiteModel, _ kind: SourceKind) throws(EngineError) {
    var parts = UnsupportedParts()
    for graph in model.graphs {
      for node in graph.nodes {
        let name = model.operators[node.op]
        if LiteOperators.table[name] != nil { continue }
        let place = node.outputs.first.map { graph.tensors[$0].name } ?? graph.name
        parts.add(
          name, at: place,
          name.hasPrefix("custom Flex")
            ? "it calls TensorFlow; convert the SavedModel" : "not supported")
      }
    }
    try parts.check(kind)
  }
}
