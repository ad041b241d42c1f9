import Tensors

/// A value of a graph, identified by number.
@frozen public struct ValueID: Hashable, Sendable {
  public let index: Int
  @inlinable public init(_ index: Int) { self.index = index }
}

/// Operators joined by values, in an order in which they can run.
public struct Graph: Sendable {
  public struct ValueInfo: Sendable {
    /// Unique within the graph; "" for values nobody named.
    public var name: String
    public var fact: Fact
    /// Whether the file states the type, as inputs, outputs and `value_info` do.
    public var isDeclared = false
    public var doc = ""
    /// Each axis' denotation (`DATA_BATCH`), where the file gives any.
    public var denotations: [String] = []
    public var typeDenotation = ""
    public var metadata: [Metadata] = []
    public var unknownFields: [UInt8] = []
    /// What the file says of the type where that is more than `fact` and the denotations hold.
    public var statedType: StatedType?
    public init(name: String, fact: Fact) {
      self.name = name
      self.fact = fact
    }
  }

  /// A type as its file states it: written back as long as the value still has the type.
  public struct StatedType: Sendable {
    public var type: ValueType
    /// The serialised message.
    public var bytes: [UInt8]
    public init(_ type: ValueType, _ bytes: [UInt8]) {
      self.type = type
      self.bytes = bytes
    }
  }

  /// One operator application.
  public struct Node: Sendable {
    public var name: String
    /// The operator's name within its domain.
    public var type: String
    /// "" is ai.onnx.
    public var domain: String
    public var overload = ""
    /// The version of the domain the node is written for, where it is not the model's: nodes that
    /// come from a function's body.
    public var opset: Int?
    public var doc = ""
    public var attributes: [Attribute]
    /// Nil for an optional input that is absent.
    public var inputs: [ValueID?]
    /// Nil for an optional output that nobody takes.
    public var outputs: [ValueID?]
    /// The values of this graph that the node's subgraphs use: for each subgraph in the order of
    /// the attributes, one for each of its `captures`.
    public var captured: [ValueID] = []
    public var metadata: [Metadata] = []
    public var unknownFields: [UInt8] = []
    /// The operator, once it has been looked up and its attributes decoded.
    public var op: (any Operator)?

    public init(
      name: String = "", type: String, domain: String = "", attributes: [Attribute] = [],
      inputs: [ValueID?], outputs: [ValueID?]
    ) {
      self.name = name
      self.type = type
      self.domain = domain
      self.attributes = attributes
      self.inputs = inputs
      self.outputs = outputs
    }
    /// The subgraphs among the attributes, in order.
    public var subgraphs: [Graph] {
      attributes.flatMap { (a) -> [Graph] in
        switch a.payload {
        case .graph(let g): [g]
        case .graphs(let list): list
        default: []
        }
      }
    }
  }

  public struct Metadata: Sendable, Hashable {
    public var key: String
    public var value: String
    public var unknownFields: [UInt8]
    public init(_ key: String, _ value: String, unknownFields: [UInt8] = []) {
      self.key = key
      self.value = value
      self.unknownFields = unknownFields
    }
  }

  public var name = ""
  public var doc = ""
  public var values: [ValueInfo] = []
  public var nodes: [Node] = []
  /// Inputs in order. One that also has an initializer may be left out by the caller.
  public var inputs: [ValueID] = []
  public var outputs: [ValueID] = []
  /// In a subgraph: its values that come from the graph around it, in the order in which the
  /// owning node lists them in `captured`.
  public var captures: [ValueID] = []
  /// Constants of the graph, in file order.
  public var initializers: [(id: ValueID, tensor: Tensor)] = []
  /// What a file says of an initializer's tensor beside name, type and contents, and nothing here
  /// reads: fields as they were on the wire, written back the same.
  public var tensorFields: [ValueID: [UInt8]] = [:]
  public var sparseInitializers: [(id: ValueID, tensor: SparseTensor)] = []
  public var metadata: [Metadata] = []
  public var unknownFields: [UInt8] = []

  public init() {}

  /// Adds a value that nothing makes yet.
  public mutating func addValue(_ name: String = "", _ fact: Fact) -> ValueID {
    values.append(ValueInfo(name: name, fact: fact))
    return ValueID(values.count - 1)
  }
  public mutating func addInput(_ name: String, _ fact: Fact) -> ValueID {
    let id = addValue(name, fact)
    values[id.index].isDeclared = true
    inputs.append(id)
    return id
  }
  public mutating func addInitializer(_ name: String, _ tensor: Tensor) -> ValueID {
    let id = addValue(name, Fact(constant: tensor))
    initializers.append((id, tensor))
    return id
  }
  public func name(_ id: ValueID) -> String {
    let name = values[id.index].name
    return name.isEmpty ? "%\(id.index)" : name
  }
  /// How a message names node `i`: by its name, else by its first output, else by its number.
  public func nodeName(_ i: Int) -> String {
    let node = nodes[i]
    if !node.name.isEmpty { return node.name }
    if let first = node.outputs.compactMap({ $0 }).first { return name(first) }
    return "#\(i)"
  }
}

/// An operator defined by a graph inside the model.
public struct Function: Sendable {
  public var name: String
  public var domain: String
  public var overload = ""
  public var doc = ""
  /// Attributes without a default.
  public var attributeNames: [String] = []
  public var defaults: [Attribute] = []
  /// The versions its body is written for; empty means the model's.
  public var opsets: [String: Int] = [:]
  /// By domain, fields of an import that the reader does not know.
  public var opsetFields: [String: [UInt8]] = [:]
  /// Inputs and outputs by the names of the function.
  public var body: Graph
  public var metadata: [Graph.Metadata] = []
  public var unknownFields: [UInt8] = []
  public init(name: String, domain: String, body: Graph) {
    self.name = name
    self.domain = domain
    self.body = body
  }
}

/// Which file something was read from, and in which state.
public struct FileIdentity: Hashable, Sendable {
  let device: UInt64
  let inode: UInt64
  public let bytes: Int
  /// Nanoseconds since 1970 of the last change.
  public let modified: Int
  public init(device: UInt64, inode: UInt64, bytes: Int, modified: Int) {
    self.device = device
    self.inode = inode
    self.bytes = bytes
    self.modified = modified
  }
}

/// A graph with all that its file says about it.
public struct ModelGraph: Sendable {
  /// The files it was read from, as long as nothing of what runs was changed since: sessions of
  /// one file share what they make of it. Empty for other models.
  public package(set) var files: [FileIdentity] = []
  /// What a compiled model holds beside its graph; nil for other models, and once what runs was
  /// changed: the graph then runs as any other.
  public package(set) var compiled: CompiledParts?
  public var irVersion: Int = 10
  public var producerName = ""
  public var producerVersion = ""
  public var domain = ""
  public var modelVersion: Int = 0
  public var doc = ""
  /// Opset version by domain, "" for ai.onnx. In file order.
  public var opsets: [(domain: String, version: Int)] = [] { didSet { forgetFiles() } }
  /// By domain, fields of an import that the reader does not know.
  public var opsetFields: [String: [UInt8]] = [:]
  public var graph: Graph { didSet { forgetFiles() } }
  public var functions: [Function] = [] { didSet { forgetFiles() } }
  public var metadata: [Graph.Metadata] = []
  /// Whole serialised messages this project keeps but does not read.
  public var trainingInfo: [[UInt8]] = []
  public var configurations: [[UInt8]] = []
  public var unknownFields: [UInt8] = []

  public init(_ graph: Graph) { self.graph = graph }

  private mutating func forgetFiles() {
    files = []
    compiled = nil
  }

  /// The imported version of `domain`, "ai.onnx" meaning "".
  public func opset(_ domain: String) -> Int? {
    let wanted = domain == "ai.onnx" ? "" : domain
    return opsets.first { ($0.domain == "ai.onnx" ? "" : $0.domain) == wanted }?.version
  }
  public func metadata(_ key: String) -> String? { metadata.first { $0.key == key }?.value }
}

/// The builder that records a graph.
public final class GraphBuilder: Builder {
  public var graph = Graph()
  let fresh = Inference.Fresh()
  public init() {}

  public func fact(of value: ValueID) -> Fact { graph.values[value.index].fact }

  public func constant(_ tensor: Tensor) throws(EngineError) -> ValueID {
    graph.addInitializer("", tensor)
  }

  public func call<Op: Operator>(
    _ op: Op, _ inputs: Few<ValueID?>, outputs: Int
  ) throws(EngineError) -> Few<ValueID> {
    let schema = Op.schema
    let list = inputs.array
    do throws(EngineError) {
      try schema.checkArity(inputs: list.map { $0 != nil }, outputs: outputs)
      let facts = try op.infer(
        Inference(
          inputs: list.map { $0.map { graph.values[$0.index].fact } }, outputCount: outputs,
          captured: [], fresh: fresh,
          subgraph: { (g, _, _) throws(EngineError) in g.outputs.map { g.values[$0.index].fact } }))
      let results = facts.prefix(outputs).map { graph.addValue("", $0) }
      var node = Graph.Node(
        type: schema.name, domain: schema.domain, attributes: op.attributes, inputs: list,
        outputs: results)
      node.op = op
      graph.nodes.append(node)
      return Few(Array(results))
    } catch { throw error.at(operatorName: schema.name) }
  }
}
