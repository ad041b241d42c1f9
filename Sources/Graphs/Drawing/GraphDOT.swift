import Tensors

extension Graph {
  /// The graph in the language of Graphviz: a box an operator, coloured by family, subgraphs as
  /// clusters. `dot -Tsvg` draws it.
  public func dot(_ options: DrawingOptions = .init()) -> String {
    let drawing = GraphDrawing(self, title: name, options: options)
    var text = "digraph \(dotQuoted(name)) {\n"
    text += "  rankdir=TB; compound=true;\n"
    text += "  node [shape=box, style=\"filled,rounded\", fontname=\"Helvetica\", fontsize=11];\n"
    text += "  edge [fontname=\"Helvetica\", fontsize=9, color=\"#666666\"];\n"
    write(drawing, prefix: "n", indent: "  ", &text)
    return text + "}\n"
  }

  private func write(
    _ drawing: GraphDrawing, prefix: String, indent: String, _ text: inout String
  ) {
    for (i, box) in drawing.boxes.enumerated() {
      let label = dotQuoted(([box.title] + box.lines).joined(separator: "\n"))
      let look =
        box.role == .node
        ? "fillcolor=\"\(GraphDrawing.colour(box.family))\""
        : "shape=ellipse, style=filled, fillcolor=\"#ffffff\""
      text += "\(indent)\(prefix)\(i) [label=\(label), \(look)];\n"
    }
    for e in drawing.edges {
      let label = e.label.isEmpty ? "" : " [label=\(dotQuoted(e.label))]"
      text += "\(indent)\(prefix)\(e.from) -> \(prefix)\(e.to)\(label);\n"
    }
    for (k, sub) in drawing.inner.enumerated() {
      let own = "\(prefix)\(sub.box)_\(k)_"
      text += "\(indent)subgraph cluster_\(own) {\n"
      text += "\(indent)  label=\(dotQuoted(sub.drawing.title)); style=rounded;\n"
      write(sub.drawing, prefix: own, indent: indent + "  ", &text)
      text += "\(indent)}\n"
      if !sub.drawing.boxes.isEmpty {
        text +=
          "\(indent)\(prefix)\(sub.box) -> \(own)0 [style=dashed, arrowhead=none, "
          + "lhead=\"cluster_\(own)\"];\n"
      }
    }
  }
}

/// A quoted string of the DOT language. Backslashes would begin escapes such as `\N`.
func dotQuoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    default:
      if scalar.value < 0x20 || scalar.value == 0x7F {
        result += " "
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
  return result + "\""
}
