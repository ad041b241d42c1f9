import Graphs
import Tensors

/// The inputs and outputs of a model, by their places in the graph.
struct TFPorts {
  struct Input {
    let name: String
    let ref: TFRef
    let dtype: DType
    /// -1 where open; nil for an unknown rank.
    let dims: [Int]?
  }
  var inputs: [Input] = []
  var outputs: [(name: String, ref: TFRef)] = []
  /// Places that the names of files stand for.
  var assets: [(ref: TFRef, file: String)] = []

  var replaced: Set<TFRef> { Set(inputs.map(\.ref)) }

  /// Of a lone graph: placeholders are inputs, what nobody uses or waits for are outputs.
  ///
  /// Errors: `.invalidModel` where there are no outputs; `.unsupported` for inputs of types that
  /// have no tensors.
  init(_ body: TFBody) throws(EngineError) {
    var used = Set(body.controls.joined())
    for list in body.inputs { for ref in list { used.insert(ref.node) } }
    for (n, node) in body.nodes.enumerated() {
      if node.op == "Placeholder" || node.op == "PlaceholderV2" {
        guard let dtype = try node.attributes.dtype("dtype") else {
          throw EngineError(
            .unsupported, "an input has a type without tensors", subject: .init(node: node.name))
        }
        inputs.append(
          Input(
            name: node.name, ref: TFRef(node: n, output: 0), dtype: dtype,
            dims: try node.attributes.shape("shape")))
      } else if !used.contains(n), !Self.isAction(node.op) {
        outputs.append((node.name, TFRef(node: n, output: 0)))
        let count = min(Self.outputCount(node), 1 << 16)
        for k in 1..<max(1, count) {
          outputs.append(("\(node.name):\(k)", TFRef(node: n, output: k)))
        }
      }
    }
    guard !outputs.isEmpty else {
      throw EngineError(.invalidModel, "the graph has no output that nothing uses")
    }
  }

  /// Of a signature.
  init(
    _ signature: TFSavedModel.Signature, _ body: TFBody, _ saved: TFSavedModel
  ) throws(EngineError) {
    for port in signature.inputs {
      guard let dtype = TFElementType.dtype(port.code) else {
        throw EngineError(.unsupported, "input '\(port.key)' has a type without tensors")
      }
      inputs.append(
        Input(name: port.key, ref: try body.ref(port.tensor), dtype: dtype, dims: port.dims))
    }
    for port in signature.outputs {
      guard !port.tensor.isEmpty else {
        throw EngineError(.unsupported, "output '\(port.key)' is no dense tensor")
      }
      outputs.append((port.key, try body.ref(port.tensor)))
    }
    assets = try saved.assetPlaces(body)
  }

  /// Nodes whose missing users say nothing.
  private static func isAction(_ op: String) -> Bool {
    [
      "NoOp", "Assert", "Const", "PrintV2", "SaveV2", "RestoreV2", "Assign", "AssignVariableOp",
      "VarHandleOp", "VariableV2", "ControlTrigger", "MergeV2Checkpoints", "Switch",
      "TensorArrayCloseV3", "DeleteIterator",
    ].contains(op)
  }

  /// How many outputs of a node count where nobody uses any.
  private static func outputCount(_ node: TFNode) -> Int {
    switch node.op {
    case "TopKV2", "TopK", "Unique", "UniqueV2": 2
    case "UniqueWithCounts": 3
    case "NonMaxSuppressionV4": 2
    case "NonMaxSuppressionV5": 3
    case "Split", "Unpack", "SplitV":
      (try? node.attributes.int(node.op == "Unpack" ? "num" : "num_split", 1)) ?? 1
    case "IdentityN", "ShapeN", "While", "StatelessWhile":
      (try? node.attributes.typeCodes("T").count) ?? 1
    case "If", "StatelessIf", "PartitionedCall", "StatefulPartitionedCall", "Case",
      "StatelessCase":
      (try? node.attributes.typeCodes("Tout").count) ?? 1
    default: 1
    }
  }

  static func hasVariables(_ program: TFProgram) throws(EngineError) -> Bool {
    program.main.nodes.contains { ["VarHandleOp", "VariableV2", "Variable"].contains($0.op) }
  }

  /// The graph of all outputs.
  func convert(_ session: TFSession) throws(EngineError) -> Graph {
    let b = session.builder
    let scope = TFScope(session, session.program.main)
    for input in inputs {
      scope.replaced[input.ref] = .tensor(
        b.input(input.name, Fact(input.dtype, dims(input, session.options))))
    }
    for (ref, file) in assets {
      scope.replaced[ref] = .tensor(try b.constant(try Tensor(shape: [], strings: [file])))
    }
    var results: [(name: String, id: ValueID)] = []
    for (name, ref) in outputs {
      switch try scope.value(ref) {
      case .tensor(let id): results.append((name, id))
      case .variable(let v): results.append((name, try session.variable(v)))
      case .list(let list): results.append((name, try list.stacked(b)))
      case .table, .nothing: session.note("output '\(name)' is no tensor and left out")
      }
    }
    b.scope = ""
    for (name, id) in results { try b.output(name, id) }
    guard !results.isEmpty else {
      throw EngineError(.invalidModel, "no output is a tensor")
    }
    return b.graph
  }

  /// Sizes of an input: as the options say, else as the graph does, open ones with names.
  private func dims(_ input: Input, _ options: ConversionOptions) -> [Dim]? {
    if let fixed = options.shapes[input.name] { return fixed.map { Dim($0) } }
    return input.dims.map { dims in
      dims.enumerated().map { i, n in
        if n >= 0 { return Dim(n) }
        return Dim(
          symbol: i == 0 && inputs.count == 1 ? "batch" : "\(input.name)_size\(i)")
      }
    }
  }
}
