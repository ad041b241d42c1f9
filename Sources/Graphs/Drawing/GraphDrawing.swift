import Tensors

/// Choices of drawings.
public struct DrawingOptions: Sendable {
  /// The number of the family of a node's operator, which decides its colour; nil for none.
  public var family: @Sendable (Graph.Node) -> Int?
  /// Whether attributes are listed in the boxes.
  public var showsAttributes: Bool
  /// Whether edges carry the types of their values.
  public var showsTypes: Bool
  public init(
    showsAttributes: Bool = true, showsTypes: Bool = true,
    family: @escaping @Sendable (Graph.Node) -> Int? = { _ in nil }
  ) {
    self.family = family
    self.showsAttributes = showsAttributes
    self.showsTypes = showsTypes
  }
}

/// What every drawing of a graph shows: boxes joined by edges. Subgraphs are drawings of their own.
struct GraphDrawing {
  enum Role { case input, node, output }
  struct Box {
    let role: Role
    /// The operator, or the value's name.
    let title: String
    /// What stands below in smaller type.
    let lines: [String]
    let family: Int?
  }
  struct Edge {
    let from: Int
    let to: Int
    let label: String
    /// The value, whose label needs to stand once only.
    let value: Int
  }
  struct Inner {
    let box: Int
    let drawing: GraphDrawing
  }
  let title: String
  private(set) var boxes: [Box] = []
  private(set) var edges: [Edge] = []
  /// Subgraphs with the box that holds each.
  private(set) var inner: [Inner] = []

  init(_ graph: Graph, title: String, options: DrawingOptions, depth: Int = 0) {
    self.title = title
    var source: [ValueID: Int] = [:]
    var constants: [ValueID: TensorType] = [:]
    for (id, t) in graph.initializers { constants[id] = t.type }
    for (id, t) in graph.sparseInitializers {
      constants[id] = (try? Shape(checking: t.dims)).map { TensorType(t.values.dtype, $0) }
    }
    func type(_ id: ValueID) -> String {
      graph.values.indices.contains(id.index) ? "\(graph.values[id.index].fact.type)" : "?"
    }
    func name(_ id: ValueID) -> String {
      graph.values.indices.contains(id.index) ? graph.name(id) : "%\(id.index)"
    }
    for id in graph.inputs + graph.captures where constants[id] == nil {
      source[id] = boxes.count
      boxes.append(Box(role: .input, title: name(id), lines: [type(id)], family: nil))
    }
    for node in graph.nodes {
      let box = boxes.count
      boxes.append(
        Box(
          role: .node, title: Self.title(of: node), lines: Self.lines(node, constants, options),
          family: options.family(node)))
      for id in node.inputs.compactMap({ $0 }) + node.captured {
        guard let from = source[id] else { continue }
        let isKnown = options.showsTypes && !graph.values[id.index].fact.type.isUnknown
        edges.append(Edge(from: from, to: box, label: isKnown ? type(id) : "", value: id.index))
      }
      for case let id? in node.outputs { source[id] = box }
      guard depth < Graph.maxDepth else { continue }
      for a in node.attributes {
        let graphs: [Graph] =
          switch a.payload {
          case .graph(let g): [g]
          case .graphs(let list): list
          default: []
          }
        for g in graphs {
          let label = node.name.isEmpty ? node.type : "\(node.type) \(node.name)"
          let title = "\(label): \(a.name)"
          let drawing = GraphDrawing(g, title: title, options: options, depth: depth + 1)
          inner.append(Inner(box: box, drawing: drawing))
        }
      }
    }
    for id in graph.outputs {
      let box = boxes.count
      boxes.append(Box(role: .output, title: name(id), lines: [type(id)], family: nil))
      if let from = source[id] {
        edges.append(Edge(from: from, to: box, label: "", value: id.index))
      }
    }
  }

  private static func title(of node: Graph.Node) -> String {
    let domain = normalisedDomain(node.domain)
    return domain.isEmpty ? node.type : "\(domain).\(node.type)"
  }

  private static func lines(
    _ node: Graph.Node, _ constants: [ValueID: TensorType], _ options: DrawingOptions
  ) -> [String] {
    var lines: [String] = []
    if !node.name.isEmpty { lines.append(cut(node.name)) }
    let schema = node.op.map { type(of: $0).schema }
    for (i, id) in node.inputs.enumerated() {
      guard let id, let type = constants[id] else { continue }
      let name = schema?.input(i)?.name ?? "input \(i)"
      lines.append("\(name) \(type)")
    }
    if options.showsAttributes {
      for a in node.attributes where !a.isGraph {
        lines.append(cut("\(a.name) = \(a.payload.text(maxElements: 4))"))
      }
    }
    // Boxes stay readable; the rest is in the text form.
    return lines.count > 8 ? lines.prefix(7) + ["…"] : lines
  }

  /// At most 40 characters, of a long name its end, which tells layers apart.
  private static func cut(_ text: String) -> String {
    text.count <= 40 ? text : "…" + text.suffix(39)
  }

  /// Fill colours of families; the number wraps around.
  static let palette = [
    "#d6e4f5", "#f8dcc4", "#dcefd3", "#f5d3d6", "#e6dcf2", "#f5ecc8", "#d0eeea", "#ecdccf",
    "#f3d9ec", "#e2e8c9", "#d9dff0", "#f0e0d0", "#cfe8d8",
  ]
  static func colour(_ family: Int?) -> String {
    guard let family else { return "#eeeeee" }
    return palette[((family % palette.count) + palette.count) % palette.count]
  }
}
