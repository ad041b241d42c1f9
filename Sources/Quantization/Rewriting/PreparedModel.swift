import Compiler
import Graphs
import Operators
import Tensors

/// A float model as quantising starts from it: functions written out, batch norms folded, shapes'
/// arithmetic settled, weights no longer inputs, every node and value with a name of its own.
struct PreparedModel {
  /// Nodes are bound to their operators, facts inferred.
  private(set) var model: ModelGraph
  let lookup: OperatorLookup
  /// Inputs and outputs as the file declares them.
  private let ports: [String: Graph.ValueInfo]

  /// The oldest opset that has scales along an axis.
  static let oldestOpset = 13

  /// Errors: `.usage` for a compiled model; `.invalidModel` for one that is quantised already; those
  /// of the optimiser.
  init(_ source: ModelGraph) throws(EngineError) {
    guard source.compiled == nil else {
      throw EngineError(
        .usage, "the model is compiled", expected: "the model it was compiled from")
    }
    try Self.checkIsFloat(source)
    var fixed = source
    // Weights that a caller could replace, being inputs too, as in files before IR version 4.
    let weights = Set(fixed.graph.initializers.map(\.id))
    fixed.graph.inputs.removeAll { weights.contains($0) }
    let optimizer = Optimizer(PassOptions(level: .basic, lastStage: .fusing))
    try self.init(ready: try optimizer.saved(fixed, from: Self.oldestOpset))
  }

  /// A model in standard forms that others made of a prepared one.
  init(ready model: ModelGraph) throws(EngineError) {
    var model = model
    model.graph.nameEverything()
    ports = Dictionary(
      (model.graph.inputs + model.graph.outputs).map {
        (model.graph.name($0), model.graph.values[$0.index])
      }, uniquingKeysWith: { a, _ in a })
    lookup = Registry.lookup(for: model)
    try model.graph.inferFacts(using: lookup, options: .lenient)
    let editor = GraphEditor(model.graph, using: lookup)
    try editor.foldGemmFactors()
    try editor.nameGlobalMeans()
    model.graph = editor.finish()
    self.model = model
  }

  var graph: Graph { model.graph }
  var hasFloatWeights: Bool {
    graph.initializers.contains { $0.tensor.dtype == .float32 && $0.tensor.count >= 64 }
  }

  /// The inputs in which NaN marks what is missing, since a node looks for it.
  var inputsWithGaps: Set<String> {
    let lookers = graph.nodes.filter { ["IsNaN", "Imputer"].contains($0.type) }
    let used = Set(lookers.flatMap { $0.inputs.compactMap { $0 } })
    // What is only moved or cut out of an input is the input still.
    var found = used
    for node in graph.nodes.reversed() {
      guard ["Cast", "Slice", "Gather", "Reshape", "Identity"].contains(node.type),
        let x = node.inputs.first.flatMap({ $0 }),
        node.outputs.contains(where: { $0.map(found.contains) ?? false })
      else { continue }
      found.insert(x)
    }
    return Set(graph.inputs.filter(found.contains).map { graph.name($0) })
  }

  private static func checkIsFloat(_ model: ModelGraph) throws(EngineError) {
    let quantised: Set = [
      "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger",
      "QLinearConv", "QLinearMatMul", "QGemm", "QAttention", "MatMulNBits", "MatMulBnb4",
      "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "DynamicQuantizeLSTM", "QLinearAdd",
    ]
    for (i, node) in model.graph.nodes.enumerated() where quantised.contains(node.type) {
      throw EngineError(
        .invalidModel, "the model is quantised already", expected: "a model in float32",
        hint: "quantise the model it was made from",
        subject: .init(node: model.graph.nodeName(i), operatorName: node.type))
    }
  }

  /// The rewritten graph as a model in standard forms, in the lowest opset from `opset` up that has
  /// them; inputs and outputs are declared as before.
  func finished(_ graph: Graph, opset: Int = oldestOpset) throws(EngineError) -> ModelGraph {
    var result = model
    result.graph = graph
    for id in graph.inputs + graph.outputs {
      guard let port = ports[graph.name(id)] else { continue }
      result.graph.values[id.index] = port
    }
    return try Optimizer(PassOptions(level: .none)).saved(result, from: opset)
  }

  /// The model with other outputs: values inside the graph that are to be looked at.
  func observing(_ values: [ValueID]) -> ModelGraph {
    var result = model
    result.graph.outputs = values
    return result
  }
}

extension Graph {
  /// Gives nodes and values without a name one that nothing else has.
  fileprivate mutating func nameEverything() {
    var used = Set(values.map(\.name))
    func unique(_ wanted: String, _ used: inout Set<String>) -> String {
      var name = wanted
      var k = 1
      while !used.insert(name).inserted {
        k += 1
        name = "\(wanted)_\(k)"
      }
      return name
    }
    var taken: Set<String> = []
    for i in nodes.indices {
      let own = nodes[i].name.isEmpty ? "\(nodes[i].type)_\(i)" : nodes[i].name
      nodes[i].name = unique(own, &taken)
      for case let id? in nodes[i].outputs where values[id.index].name.isEmpty {
        values[id.index].name = unique("\(nodes[i].name)_output", &used)
      }
    }
    for i in values.indices where values[i].name.isEmpty {
      values[i].name = unique("value_\(i)", &used)
    }
  }
}
