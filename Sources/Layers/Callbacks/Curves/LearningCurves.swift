/// Figures of a run by epoch as drawings: those of one name and its `val_` together, each beside
/// the others.
public struct LearningCurves: Sendable {
  /// What stands above.
  public let title: String
  /// The number of the first epoch, from 0.
  public let firstEpoch: Int
  /// The figures of each epoch.
  public let epochs: [Logs]

  public init(_ history: History, title: String = "Training") {
    self.title = title
    firstEpoch = history.firstEpoch
    epochs = history.epochs
  }

  init(title: String, firstEpoch: Int, epochs: [Logs]) {
    self.title = title
    self.firstEpoch = firstEpoch
    self.epochs = epochs
  }

  /// Figures without `val_`, in the order they come.
  private var names: [String] {
    var list: [String] = []
    for logs in epochs {
      for name in logs.names {
        let plain = name.hasPrefix("val_") ? String(name.dropFirst(4)) : name
        if !list.contains(plain) { list.append(plain) }
      }
    }
    return list
  }

  private var charts: [LineChart] {
    names.map { name in
      var lines: [LineChart.Line] = []
      for (label, key) in [("training", name), ("validation", "val_\(name)")] {
        let points = epochs.enumerated().compactMap { i, logs in
          logs[key].map { (x: Double(firstEpoch + i + 1), y: $0) }
        }
        if !points.isEmpty { lines.append(.init(label: label, points: points)) }
      }
      return LineChart(title: name, xLabel: "epoch", lines: lines)
    }
  }

  /// All charts as one SVG drawing that needs nothing else.
  public var svg: String {
    let charts = self.charts
    let columns = charts.count > 1 ? 2 : 1
    let rows = (charts.count + columns - 1) / columns
    let (w, h) = (columns * LineChart.width, 40 + rows * LineChart.height)
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)">
      <style>\(LineChart.style)</style>
      <rect width="\(w)" height="\(h)" fill="#ffffff"/>
      <text class="h" x="16" y="26">\(escapedXML(title))</text>

      """
    for (i, chart) in charts.enumerated() {
      let (x, y) = (i % columns * LineChart.width, 40 + i / columns * LineChart.height)
      text += "<g transform=\"translate(\(x) \(y))\">\n\(chart.svg)</g>\n"
    }
    return text + "</svg>\n"
  }

  /// A page with the drawing and a table of all figures, which needs nothing else.
  public var html: String {
    var columns: [String] = []
    for logs in epochs {
      for name in logs.names where !columns.contains(name) { columns.append(name) }
    }
    var table = "<tr><th>epoch</th>"
    table += columns.map { "<th>\(escapedXML($0))</th>" }.joined() + "</tr>\n"
    for (i, logs) in epochs.enumerated() {
      table += "<tr><td>\(firstEpoch + i + 1)</td>"
      table += columns.map { "<td>\(logs[$0].map { short($0) } ?? "")</td>" }.joined() + "</tr>\n"
    }
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(escapedXML(title))</title>
      <style>
      body { font-family: Helvetica, Arial, sans-serif; color: #222; margin: 16px }
      table { border-collapse: collapse; font-size: 13px }
      td, th { padding: 2px 12px; text-align: right; border-bottom: 1px solid #ddd }
      svg { max-width: 100%; height: auto }
      </style></head><body>
      \(svg)<table>
      \(table)</table>
      </body></html>

      """
  }
}

/// Text as it may stand in XML.
func escapedXML(_ text: String) -> String {
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
