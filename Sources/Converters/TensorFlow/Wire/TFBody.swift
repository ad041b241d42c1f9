import Tensors

/// An output of a node of a body, by numbers.
struct TFRef: Hashable, Sendable {
  let node: Int
  let output: Int
}

/// The nodes of a graph or of a function, with names resolved to places.
final class TFBody: Sendable {
  let name: String
  let nodes: [TFNode]
  /// Data inputs of each node.
  let inputs: [[TFRef]]
  /// The nodes that each node only waits for.
  let controls: [[Int]]
  /// Places of the arguments, which are the first nodes of a function.
  let argumentCount: Int
  /// Names of the arguments and of the results, for functions.
  let results: [(name: String, ref: TFRef)]
  private let places: [String: Int]

  /// The most nodes a graph or function may have.
  static let maxNodes = 2_000_000

  /// A `GraphDef`: 1 nodes.
  ///
  /// Errors: `.malformed`, `.budget`; `.invalidModel` for names that are missing or stand twice.
  convenience init(graph message: ProtoMessage) throws(EngineError) {
    var nodes: [TFNode] = []
    try message.forEach { (f) throws(EngineError) in
      guard f.number == 1, f.wire == 2 else { return }
      nodes.append(try TFNode(f.message))
    }
    try self.init(name: "", nodes: nodes, arguments: 0, results: [])
  }

  /// A `FunctionDef`: 1 signature (1 name, 2 arguments, 3 results), 3 nodes, 4 what the results are.
  convenience init(function message: ProtoMessage) throws(EngineError) {
    var name = ""
    var nodes: [TFNode] = []
    var outputs: [String] = []
    var arguments = 0
    if let signature = try message.last(1)?.message {
      name = try signature.last(1)?.message.text() ?? ""
      for a in try signature.all(2) {
        nodes.append(TFNode(argument: try a.message.last(1)?.message.text() ?? ""))
      }
      arguments = nodes.count
      for a in try signature.all(3) { outputs.append(try a.message.last(1)?.message.text() ?? "") }
    }
    for f in try message.all(3) { nodes.append(try TFNode(f.message)) }
    var places: [String: String] = [:]
    for (key, value) in try message.map(4) { places[key] = try value.text() }
    var results: [(name: String, text: String)] = []
    for o in outputs {
      guard let text = places[o] else {
        throw EngineError(.invalidModel, "function '\(name)' does not say what '\(o)' is")
      }
      results.append((o, text))
    }
    try self.init(name: name, nodes: nodes, arguments: arguments, results: results)
  }

  private init(
    name: String, nodes: [TFNode], arguments: Int, results: [(name: String, text: String)]
  ) throws(EngineError) {
    guard nodes.count <= Self.maxNodes else {
      throw EngineError(
        .budget, "the graph has too many nodes", expected: "at most \(Self.maxNodes)",
        received: "\(nodes.count)")
    }
    var places: [String: Int] = [:]
    for (i, node) in nodes.enumerated() {
      guard places.updateValue(i, forKey: node.name) == nil else {
        throw EngineError(.invalidModel, "two nodes are called '\(node.name)'")
      }
    }
    var inputs: [[TFRef]] = []
    var controls: [[Int]] = []
    for node in nodes {
      var data: [TFRef] = []
      var waits: [Int] = []
      for text in node.inputs {
        if text.utf8.first == UInt8(ascii: "^") {
          if let place = places[String(text.dropFirst())] { waits.append(place) }
        } else {
          data.append(try Self.ref(text, places, nodes, of: node.name))
        }
      }
      inputs.append(data)
      controls.append(waits)
    }
    var made: [(name: String, ref: TFRef)] = []
    for r in results { made.append((r.name, try Self.ref(r.text, places, nodes, of: name))) }
    self.name = name
    self.nodes = nodes
    self.inputs = inputs
    self.controls = controls
    self.places = places
    self.results = made
    argumentCount = arguments
  }

  func place(_ name: String) -> Int? { places[name] }

  /// What `text` refers to.
  ///
  /// Errors: `.invalidModel` where no node has the name, or the output no number.
  func ref(_ text: String) throws(EngineError) -> TFRef {
    try Self.ref(text, places, nodes, of: name)
  }

  private static func ref(
    _ text: String, _ places: [String: Int], _ nodes: [TFNode], of user: String
  ) throws(EngineError) -> TFRef {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard let first = parts.first, let place = places[String(first)] else {
      throw EngineError(.invalidModel, "'\(user)' uses '\(text)', which no node makes")
    }
    var output = 0
    if parts.count == 2 {
      // A function's argument may be written with an output, too.
      output = Int(parts[1]) ?? 0
    } else if parts.count == 3 {
      let offset = TFOperator.offset(of: String(parts[1]), in: nodes[place].op)
      output = (Int(parts[2]) ?? 0) &+ offset
    }
    guard output >= 0, output < 1 << 20, parts.count <= 3 else {
      throw EngineError(.invalidModel, "'\(user)' uses '\(text)', which is no output")
    }
    return TFRef(node: place, output: output)
  }
}
