import Tensors

extension QuantizationReport {
  /// A self-contained SVG drawing of each distribution, on a logarithmic scale of counts, with the
  /// range that was chosen for it in front: what lies outside is clipped.
  public func svg(title: String) -> String {
    let columns = 3
    let rows = (drawings.count + columns - 1) / columns
    let (w, h) = (columns * 320 + 20, max(1, rows) * 150 + 60)
    var body = ""
    for (i, d) in drawings.enumerated() {
      body += Self.cell(d, x: 10 + i % columns * 320, y: 50 + i / columns * 150)
    }
    if drawings.isEmpty {
      body += "<text x=\"10\" y=\"70\" class=\"n\">nothing was drawn from distributions</text>\n"
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)">
      <style>
      text { font-family: Helvetica, Arial, sans-serif; fill: #222 }
      .h { font-size: 15px; font-weight: bold }
      .t { font-size: 11px; font-weight: bold }
      .n { font-size: 9px; fill: #555 }
      .r { fill: #cfe3f7 }
      .b { fill: #2f6fab }
      .o { fill: #c0392b }
      </style>
      <rect x="0" y="0" width="\(w)" height="\(h)" fill="#ffffff"/>
      <text x="10" y="22" class="h">\(Self.escaped(title))</text>
      <text x="10" y="38" class="n">\(Self.escaped(summary))</text>

      """ + body + "</svg>\n"
  }

  private static let bars = 100

  private static func cell(_ d: Drawing, x: Int, y: Int) -> String {
    let (width, height) = (300.0, 90.0)
    let low = min(Double(d.histogram.minimum), Double(d.range.lowerBound), 0)
    let high = max(Double(d.histogram.maximum), Double(d.range.upperBound), 0)
    let reach = high - low
    var text = "<g transform=\"translate(\(x),\(y))\">\n"
    text += "<text x=\"0\" y=\"10\" class=\"t\">\(escaped(shortened(d.name)))</text>\n"
    guard reach > 0, reach.isFinite else {
      return text + "<text x=\"0\" y=\"30\" class=\"n\">always zero</text>\n</g>\n"
    }
    func place(_ v: Double) -> Double { (v - low) / reach * width }
    let (from, to) = (place(Double(d.range.lowerBound)), place(Double(d.range.upperBound)))
    text += "<rect class=\"r\" x=\"\(short(from))\" y=\"16\" width=\"\(short(to - from))\" "
    text += "height=\"\(short(height))\"/>\n"
    var counts = [Int](repeating: 0, count: bars)
    for (i, n) in d.histogram.counts.enumerated() where n > 0 {
      let at = Int((d.histogram.center(i) - low) / reach * Double(bars))
      counts[min(max(at, 0), bars - 1)] += n
    }
    let most = (Double(counts.max() ?? 0) + 1).logarithm10
    for (i, n) in counts.enumerated() where n > 0 && most > 0 {
      let tall = (Double(n) + 1).logarithm10 / most * height
      let left = Double(i) * width / Double(bars)
      let middle = left + width / Double(bars) / 2
      let isInside = middle >= from && middle <= to
      text += "<rect class=\"\(isInside ? "b" : "o")\" x=\"\(short(left))\" "
      text += "y=\"\(short(16 + height - tall))\" width=\"2.4\" height=\"\(short(tall))\"/>\n"
    }
    let ends = "\(short(low)) to \(short(high)), range \(short(Double(d.range.lowerBound))) to "
    text += "<text x=\"0\" y=\"120\" class=\"n\">\(ends)\(short(Double(d.range.upperBound)))"
    if d.histogram.total > 0 {
      let zeros = Double(d.histogram.zeros) / Double(d.histogram.total) * 100
      text += ", \(short(zeros)) % zeros"
    }
    return text + "</text>\n</g>\n"
  }

  /// About four digits.
  private static func short(_ x: Double) -> String {
    guard x.isFinite else { return "0" }
    let scale = abs(x) >= 100 ? 10.0 : abs(x) >= 1 ? 1000.0 : 1e6
    let rounded = (x * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
  }

  private static func shortened(_ name: String) -> String {
    name.count <= 46 ? name : "…" + name.suffix(45)
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for c in text {
      switch c {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(c)
      }
    }
    return result
  }
}
