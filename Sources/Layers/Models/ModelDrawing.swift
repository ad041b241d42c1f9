import Graphs
import Tensors
import Training

extension Network {
  /// The model as a self-contained SVG drawing: a box for each layer with its name, the shapes of
  /// its parameters and what it was made with, edges with the shapes between them. Models within
  /// are panels below.
  ///
  /// Layers of a subclass stand beside each other: what it does with them is Swift code, so that
  /// their order is not known. Shapes are known once the model is built.
  public func svg() -> String {
    let options = DrawingOptions(family: { node in
      // One colour for each type of layer, the same in every drawing.
      Int(node.type.utf8.reduce(UInt32(7)) { $0 &* 31 &+ UInt32($1) } % 1021)
    })
    return LayerDrawing.graph(of: self, "\(type(of: self))").svg(options)
  }
}

/// A model's layers as a graph whose operators are layers, to be drawn.
private enum LayerDrawing {
  static func graph(of model: Network, _ name: String) -> Graph {
    var g = Graph()
    g.name = name
    switch model {
    case let s as Sequential:
      var now = (s.inputShapes ?? []).enumerated().map { i, shape in
        g.addInput(i == 0 ? "input" : "input \(i)", fact(shape, s.dtype))
      }
      if now.isEmpty { now = [g.addInput("input", Fact(nil, nil))] }
      for layer in s.layers { now = add(layer, now, to: &g) }
      g.outputs = now
    case let m as GraphModel: add(m, to: &g)
    default:
      for layer in model.children(of: model) { _ = add(layer, [], to: &g) }
    }
    return g
  }

  private static func add(_ model: GraphModel, to g: inout Graph) {
    var slots = [ValueID?](repeating: nil, count: model.slotCount)
    for (i, x) in model.inputs.enumerated() {
      slots[i] = g.addInput(
        x.source.name ?? (i == 0 ? "input" : "input \(i)"), fact(x.shape, model.dtype))
    }
    for use in model.uses {
      let made = add(use.layer, use.inputs.compactMap { slots[$0] }, to: &g)
      for (k, id) in made.enumerated() where k < use.count { slots[use.first + k] = id }
    }
    g.outputs = model.results.compactMap { slots[$0] }
  }

  private static func add(_ layer: Layer, _ inputs: [ValueID], to g: inout Graph) -> [ValueID] {
    let label = layer.path.isEmpty ? layer.name ?? "" : layer.path
    let shapes = layer.preparedShapes ?? []
    var outputs: [ValueID] = []
    for (i, shape) in (shapes.isEmpty ? [LayerShape([])] : shapes).enumerated() {
      let f = shapes.isEmpty ? Fact(nil, nil) : fact(shape, layer.dtype)
      outputs.append(g.addValue("\(label) \(i) \(g.values.count)", f))
    }
    var attributes: [Attribute] = []
    if let inner = layer as? Network {
      attributes.append(.graph("layers", graph(of: inner, label)))
    } else {
      for p in layer.parameters {
        let name =
          p.name.hasPrefix(label + ".") ? String(p.name.dropFirst(label.count + 1)) : p.name
        attributes.append(.ints(name, p.value.shape.array))
      }
      for (name, value) in layer.configuration
      where !attributes.contains(where: { $0.name == name }) {
        attributes.append(Int(value).map { .int(name, $0) } ?? .string(name, value))
      }
    }
    g.nodes.append(
      Graph.Node(
        name: label, type: "\(type(of: layer))", attributes: attributes,
        inputs: inputs.map { $0 }, outputs: outputs))
    return outputs
  }

  private static func fact(_ shape: LayerShape, _ dtype: DType) -> Fact {
    Fact(
      .tensor(
        dtype,
        shape.sizes.enumerated().map { i, n in
          n.map { Dim($0) } ?? Dim(symbol: i == 0 ? "batch" : "size\(i)")
        }))
  }
}
