import Glibc

/// A few lines over one axis as a piece of SVG, 460 by 280, with round numbers at both axes.
struct LineChart {
  struct Line {
    let label: String
    let points: [(x: Double, y: Double)]
  }
  let title: String
  let xLabel: String
  let lines: [Line]

  static let width = 460
  static let height = 280
  private static let colours = ["#1f5fa8", "#d9731a", "#3a8f3a", "#8a4fa3"]
  static let style = """
    text { font-family: Helvetica, Arial, sans-serif; fill: #222; font-size: 11px }
    .h { font-size: 16px; font-weight: bold }
    .t { font-size: 13px; font-weight: bold }
    .g { stroke: #e2e2e2; fill: none }
    .a { stroke: #777; fill: none }
    .c { fill: none; stroke-width: 1.8 }
    """

  var svg: String {
    // Points that are no numbers leave a gap.
    let finite = lines.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
    let (left, top, right, bottom) = (64.0, 34.0, 444.0, 236.0)
    var text = "<text class=\"t\" x=\"\(Int(left))\" y=\"22\">\(escapedXML(title))</text>\n"
    guard let x0 = finite.map(\.x).min(), let x1 = finite.map(\.x).max(),
      let y0 = finite.map(\.y).min(), let y1 = finite.map(\.y).max()
    else { return text }
    let (xs, ys) = (Ticks(x0, x1, whole: true), Ticks(y0, y1))
    func px(_ x: Double) -> String { fixed(left + (x - xs.low) / xs.span * (right - left)) }
    func py(_ y: Double) -> String { fixed(bottom - (y - ys.low) / ys.span * (bottom - top)) }
    for y in ys.values {
      text += "<path class=\"g\" d=\"M\(fixed(left)) \(py(y))H\(fixed(right))\"/>"
      text += "<text x=\"\(fixed(left - 6))\" y=\"\(py(y))\" text-anchor=\"end\" dy=\"4\">"
      text += "\(short(y))</text>\n"
    }
    for x in xs.values {
      text += "<text x=\"\(px(x))\" y=\"\(fixed(bottom + 16))\" text-anchor=\"middle\">"
      text += "\(Int(x))</text>\n"
    }
    text +=
      "<path class=\"a\" d=\"M\(fixed(left)) \(fixed(top))V\(fixed(bottom))H\(fixed(right))\"/>\n"
    text += "<text x=\"\(fixed(right))\" y=\"\(fixed(bottom + 32))\" text-anchor=\"end\">"
    text += "\(escapedXML(xLabel))</text>\n"
    for (i, line) in lines.enumerated() {
      let colour = Self.colours[i % Self.colours.count]
      var path = ""
      var isOpen = false
      for p in line.points {
        guard p.x.isFinite, p.y.isFinite else {
          isOpen = false
          continue
        }
        path += "\(isOpen ? "L" : "M")\(px(p.x)) \(py(p.y))"
        isOpen = true
      }
      text += "<path class=\"c\" stroke=\"\(colour)\" d=\"\(path)\"/>\n"
      if line.points.count == 1, let p = line.points.first, p.y.isFinite {
        text += "<circle cx=\"\(px(p.x))\" cy=\"\(py(p.y))\" r=\"3\" fill=\"\(colour)\"/>\n"
      }
      let x = 300 + 76 * i
      text += "<path stroke=\"\(colour)\" stroke-width=\"2\" d=\"M\(x - 18) 18h14\"/>"
      text += "<text x=\"\(x)\" y=\"22\">\(escapedXML(line.label))</text>\n"
    }
    return text
  }

  /// One digit behind the point: a tenth of a pixel.
  private func fixed(_ x: Double) -> String { "\((x * 10).rounded() / 10)" }
}

/// Round numbers that cover a range.
private struct Ticks {
  let low: Double
  let span: Double
  let values: [Double]

  /// - `whole`: whether steps are whole numbers, and the range is not widened.
  init(_ least: Double, _ greatest: Double, whole: Bool = false) {
    var (a, b) = (least, greatest)
    if !(b > a) { (a, b) = whole ? (a - 1, b + 1) : (a - abs(a) / 2 - 1e-9, b + abs(b) / 2 + 1e-9) }
    let raw = (b - a) / 5
    let power = Glibc.pow(10, Glibc.floor(Glibc.log10(raw)))
    var step = power * ([1.0, 2, 5, 10].first { $0 * power >= raw } ?? 10)
    if whole { step = max(1, step.rounded()) }
    guard step.isFinite, step > 0 else {
      (low, span, values) = (a, max(b - a, 1), [])
      return
    }
    if !whole {
      a = (a / step).rounded(.down) * step
      b = (b / step).rounded(.up) * step
    }
    var list: [Double] = []
    var k = (a / step).rounded(.up)
    while k * step <= b + step * 1e-6, list.count < 20 {
      list.append(k * step)
      k += 1
    }
    (low, span, values) = (a, b - a, list)
  }
}
