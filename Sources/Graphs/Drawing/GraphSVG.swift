import Tensors

extension Graph {
  /// The graph as a self-contained SVG drawing, ranked from inputs to outputs: boxes with
  /// operator, name, constants and attributes, coloured by family, and edges with types.
  /// Subgraphs are panels below. The same graph always gives the same text.
  ///
  /// Cost: near linear; a 500-node network takes tens of milliseconds.
  public func svg(_ options: DrawingOptions = .init()) -> String {
    var painter = SVGPainter()
    painter.paint(GraphDrawing(self, title: name, options: options), depth: 0)
    return painter.document
  }
}

private struct SVGPainter {
  private var body = ""
  private var width = 200.0
  private var y = 16.0
  private static let margin = 16.0
  private static let titleSize = 13.0
  private static let lineSize = 10.0

  var document: String {
    let (w, h) = (pixels(width + 2 * Self.margin), pixels(y + Self.margin))
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)">
      <style>
      text { font-family: Helvetica, Arial, sans-serif; fill: #222 }
      .t { font-size: 13px; font-weight: bold; text-anchor: middle }
      .l { font-size: 10px; text-anchor: middle }
      .e { font-size: 9px; fill: #666 }
      .h { font-size: 15px; font-weight: bold }
      rect { stroke: #8a8a8a }
      path { fill: none; stroke: #8a8a8a; marker-end: url(#a) }
      </style>
      <defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" \
      orient="auto"><polygon points="0,0 8,4 0,8" fill="#8a8a8a"/></marker></defs>
      <rect x="0" y="0" width="\(w)" height="\(h)" fill="#ffffff" stroke="none"/>

      """ + body + "</svg>\n"
  }

  mutating func paint(_ drawing: GraphDrawing, depth: Int) {
    let left = Self.margin
    if !drawing.title.isEmpty {
      y += 16
      body += "<text class=\"h\" x=\"\(pixels(left))\" y=\"\(pixels(y))\">"
      body += "\(xmlEscaped(drawing.title))</text>\n"
      width = max(width, textWidth(drawing.title, 15))
      y += 14
    }
    let sizes = drawing.boxes.map { size(of: $0) }
    let layout = LayeredLayout(
      sizes: sizes, edges: drawing.edges.map { (from: $0.from, to: $0.to) })
    var labelled: Set<Int> = []
    for (k, e) in drawing.edges.enumerated() {
      paint(layout.paths[k], left: left)
      if !e.label.isEmpty, labelled.insert(e.value).inserted, let first = layout.paths[k].first {
        body += "<text class=\"e\" x=\"\(pixels(left + first.x + 4))\" "
        body += "y=\"\(pixels(y + first.y + 12))\">\(xmlEscaped(e.label))</text>\n"
        width = max(width, first.x + 4 + textWidth(e.label, 9))
      }
    }
    for (i, box) in drawing.boxes.enumerated() {
      paint(box, sizes[i], at: layout.tops[i], left: left)
    }
    width = max(width, layout.width)
    y += layout.height + 28
    for sub in drawing.inner { paint(sub.drawing, depth: depth + 1) }
  }

  private mutating func paint(_ path: [LayeredLayout.Point], left: Double) {
    guard let first = path.first else { return }
    var d = "M\(pixels(left + first.x)) \(pixels(y + first.y))"
    for k in 1..<max(path.count, 1) {
      let (a, b) = (path[k - 1], path[k])
      let (x1, y1) = (pixels(left + b.x), pixels(y + b.y))
      if pixels(a.x) == pixels(b.x) {
        d += "L\(x1) \(y1)"
      } else {
        let middle = pixels(y + (a.y + b.y) / 2)
        d += "C\(pixels(left + a.x)) \(middle) \(x1) \(middle) \(x1) \(y1)"
      }
    }
    body += "<path d=\"\(d)\"/>\n"
  }

  private mutating func paint(
    _ box: GraphDrawing.Box, _ size: LayeredLayout.Size, at top: LayeredLayout.Point, left: Double
  ) {
    let x = left + top.x - size.width / 2
    let fill = box.role == .node ? GraphDrawing.colour(box.family) : "#ffffff"
    let radius = box.role == .node ? 4 : 12
    body += "<rect x=\"\(pixels(x))\" y=\"\(pixels(y + top.y))\" width=\"\(pixels(size.width))\" "
    body += "height=\"\(pixels(size.height))\" rx=\"\(radius)\" fill=\"\(fill)\"/>\n"
    let centre = pixels(left + top.x)
    var line = y + top.y + 17
    body += "<text class=\"t\" x=\"\(centre)\" y=\"\(pixels(line))\">"
    body += "\(xmlEscaped(shortened(box.title)))</text>\n"
    for text in box.lines {
      line += 13
      body += "<text class=\"l\" x=\"\(centre)\" y=\"\(pixels(line))\">\(xmlEscaped(text))</text>\n"
    }
  }

  private func size(of box: GraphDrawing.Box) -> LayeredLayout.Size {
    var width = textWidth(shortened(box.title), Self.titleSize) * 1.05
    for line in box.lines { width = max(width, textWidth(line, Self.lineSize)) }
    return .init(width: max(width + 20, 50), height: Double(26 + 13 * box.lines.count))
  }

  private func shortened(_ title: String) -> String {
    title.count <= 50 ? title : "…" + title.suffix(49)
  }

  /// An estimate for a sans-serif face, generous so that text stays inside its box.
  private func textWidth(_ text: String, _ size: Double) -> Double {
    var units = 0.0
    for scalar in text.unicodeScalars { units += scalar.value >= 0x2E80 ? 1.05 : 0.58 }
    return units * size
  }

  private func pixels(_ x: Double) -> Int { x.isFinite ? Int(x.rounded()) : 0 }
}

/// Text for XML 1.0, in elements and in attributes; characters XML forbids become U+FFFD.
func xmlEscaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case "\t", "\n", "\r": result += " "
    default:
      let isLegal = scalar.value >= 0x20 && scalar.value & 0xFFFE != 0xFFFE
      result.unicodeScalars.append(isLegal ? scalar : "\u{FFFD}")
    }
  }
  return result
}
