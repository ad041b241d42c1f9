import Tensors

/// Choices of the readable form.
public struct GraphTextOptions: Sendable {
  /// Elements shown of each tensor.
  public var maxElements: Int
  /// Whether initializers are listed, each with its first elements.
  public var showsInitializers: Bool
  public init(maxElements: Int = 6, showsInitializers: Bool = true) {
    self.maxElements = maxElements
    self.showsInitializers = showsInitializers
  }
}

extension Graph {
  /// The graph as a readable list of assignments.
  ///
  /// ```
  /// graph main(x: float32[N, 3]) -> (y: float32[N, 10]) {
  ///   constant w: float32[3, 10] = [0.5, 1.0, 2.0, ...]
  ///   y: float32[N, 10] = MatMul(x, w)  # dense
  /// }
  /// ```
  /// Subgraphs stand indented behind the node that holds them. Names that are no words are quoted.
  public func text(_ options: GraphTextOptions = .init()) -> String {
    var writer = GraphTextWriter(options: options)
    writer.write(self, keyword: "graph", depth: 0)
    return writer.text
  }
}

extension ModelGraph {
  /// The model's header, its graph and its functions in readable form; see `Graph.text`.
  public func text(_ options: GraphTextOptions = .init()) -> String {
    var writer = GraphTextWriter(options: options)
    writer.line("ir_version \(irVersion)")
    for (domain, version) in opsets {
      writer.line("opset \(word(shownDomain(domain))) \(version)")
    }
    if !producerName.isEmpty {
      writer.line("producer \(quotedText(producerName)) \(quotedText(producerVersion))")
    }
    for m in metadata {
      writer.line("metadata \(word(m.key)) = \(quotedText(m.value, limit: 200))")
    }
    writer.write(graph, keyword: "graph", depth: 0)
    for f in functions {
      writer.write(f.body, keyword: "function", name: FunctionKey(f).text, depth: 0)
    }
    return writer.text
  }
}

/// `name` as it is when it is a plain word, else quoted.
func word(_ name: String) -> String {
  let isPlain =
    !name.isEmpty
    && name.utf8.allSatisfy { c in
      (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5A) || (c >= 0x61 && c <= 0x7A)
        || c == 0x5F || c == 0x2E || c == 0x2F || c == 0x3A || c == 0x25
    }
  return isPlain ? name : quotedText(name, limit: 200)
}

private struct GraphTextWriter {
  let options: GraphTextOptions
  var text = ""
  var indent = ""

  init(options: GraphTextOptions) { self.options = options }

  mutating func line(_ s: String) { text += indent + s + "\n" }

  private func typed(_ g: Graph, _ id: ValueID) -> String {
    guard g.values.indices.contains(id.index) else { return "%\(id.index)" }
    return "\(word(g.name(id))): \(g.values[id.index].fact.type)"
  }
  private func name(_ g: Graph, _ id: ValueID?) -> String {
    guard let id else { return "_" }
    return g.values.indices.contains(id.index) ? word(g.name(id)) : "%\(id.index)"
  }
  private func list(_ items: [String]) -> String { "(" + items.joined(separator: ", ") + ")" }

  mutating func write(_ g: Graph, keyword: String, name title: String? = nil, depth: Int) {
    let inputs = list(g.inputs.map { typed(g, $0) })
    let outputs = list(g.outputs.map { typed(g, $0) })
    let title = title ?? g.name
    var head = keyword
    if !title.isEmpty { head += " " + word(title) }
    head += inputs + " -> " + outputs
    if !g.captures.isEmpty { head += " captures " + list(g.captures.map { typed(g, $0) }) }
    text += (depth == 0 ? indent : "") + head + " {\n"
    indent += "  "
    if options.showsInitializers {
      for (id, t) in g.initializers {
        line("constant \(name(g, id)): \(t.type) = \(t.summary(maxElements: options.maxElements))")
      }
      for (id, t) in g.sparseInitializers {
        let values = t.values.summary(maxElements: options.maxElements)
        line("constant \(name(g, id)): sparse(\(t.values.dtype)\(t.dims)) = \(values)")
      }
    } else if !g.initializers.isEmpty {
      line("# \(g.initializers.count) constants")
    }
    for node in g.nodes { write(node, of: g, depth: depth) }
    indent.removeLast(2)
    line("}")
  }

  private mutating func write(_ node: Graph.Node, of g: Graph, depth: Int) {
    let results = node.outputs.map { $0.map { typed(g, $0) } ?? "_" }
    var s = results.joined(separator: ", ")
    if !results.isEmpty { s += " = " }
    if !normalisedDomain(node.domain).isEmpty { s += word(node.domain) + "." }
    s += word(node.type)
    if !node.overload.isEmpty { s += ":" + word(node.overload) }
    let plain = node.attributes.filter { !$0.isGraph }
    if !plain.isEmpty {
      let items = plain.map { "\($0.name): \($0.payload.text(maxElements: options.maxElements))" }
      s += " <" + items.joined(separator: ", ") + ">"
    }
    s += list(node.inputs.map { name(g, $0) })
    if !node.captured.isEmpty { s += " captures " + list(node.captured.map { name(g, $0) }) }
    if !node.name.isEmpty { s += "  # " + word(node.name) }
    line(s)
    guard depth < Graph.maxDepth else { return }
    indent += "  "
    for a in node.attributes {
      let graphs: [Graph] =
        switch a.payload {
        case .graph(let sub): [sub]
        case .graphs(let subs): subs
        default: []
        }
      for sub in graphs {
        text += indent + word(a.name) + " = "
        write(sub, keyword: "graph", depth: depth + 1)
      }
    }
    indent.removeLast(2)
  }
}

extension Attribute {
  var isGraph: Bool {
    switch payload {
    case .graph, .graphs: true
    default: false
    }
  }
}

extension Attribute.Payload {
  /// The value on one line, long lists cut after `maxElements` elements.
  public func text(maxElements: Int = 6) -> String {
    func list<T>(_ items: [T], _ text: (T) -> String) -> String {
      let shown = items.prefix(maxElements).map(text)
      return "[" + (shown + (items.count > shown.count ? ["..."] : [])).joined(separator: ", ")
        + "]"
    }
    func string(_ bytes: [UInt8]) -> String {
      quotedText(String(decoding: bytes, as: UTF8.self), limit: 80)
    }
    func tensor(_ t: Tensor) -> String { "\(t.type) \(t.summary(maxElements: maxElements))" }
    func sparse(_ t: SparseTensor) -> String {
      "sparse(\(t.values.dtype)\(t.dims)) \(t.values.summary(maxElements: maxElements))"
    }
    return switch self {
    case .int(let v): "\(v)"
    case .ints(let v): list(v) { "\($0)" }
    case .float(let v): "\(v)"
    case .floats(let v): list(v) { "\($0)" }
    case .string(let v): string(v)
    case .strings(let v): list(v, string)
    case .tensor(let t): tensor(t)
    case .tensors(let v): list(v, tensor)
    case .graph(let g): "graph \(word(g.name))"
    case .graphs(let v): list(v) { "graph \(word($0.name))" }
    case .sparse(let t): sparse(t)
    case .sparses(let v): list(v, sparse)
    case .type(let t): t.description
    case .types(let v): list(v) { $0.description }
    case .reference(let name, _): "@" + word(name)
    }
  }
}
