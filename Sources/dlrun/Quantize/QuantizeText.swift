import Formats
import Glibc
import Quantization
import Tensors

/// What `dlrun quantize` prints.
struct QuantizeText {
  let model: String
  let output: String
  let report: QuantizationReport
  let latency: LatencyPair?
  let threads: Int
  let isMadeUp: Bool
  let showsAll: Bool

  /// Layers listed unless all are asked for.
  private static let shown = 10

  private var bytes: (before: Int, after: Int) { (Self.size(model), Self.size(output)) }

  private static func size(_ path: String) -> Int {
    var info = stat()
    return stat(path, &info) == 0 ? Int(info.st_size) : 0
  }

  private func decibels(_ x: Double?) -> String {
    guard let x else { return "" }
    return x.isFinite ? fixed(x, 1) : x > 0 ? "exact" : "-"
  }

  var text: String {
    var result = "\(Terminal.bold(model)) → \(Terminal.bold(output)): \(report.summary)\n\n"
    var table = Table(["", "before", "after", ""], right: [1, 2])
    let (b, w) = (bytes, report.parameterBytes)
    func ratio(_ x: Double, _ y: Double, _ more: String, _ less: String) -> String {
      guard x > 0, y > 0 else { return "" }
      return x >= y ? "\(fixed(x / y, 2))x \(more)" : "\(fixed(y / x, 2))x \(less)"
    }
    table.add([
      "file", readable(bytes: b.before), readable(bytes: b.after),
      ratio(Double(b.before), Double(b.after), "smaller", "larger"),
    ])
    table.add([
      "weights", readable(bytes: w.before), readable(bytes: w.after),
      ratio(Double(w.before), Double(w.after), "smaller", "larger"),
    ])
    if let latency {
      func milliseconds(_ s: Double) -> String { fixed(s * 1e3, s < 1e-3 ? 4 : 2) + " ms" }
      table.add([
        "latency", milliseconds(latency.before), milliseconds(latency.after),
        ratio(latency.before, latency.after, "faster", "slower")
          + ", one row, \(threads) \(threads == 1 ? "thread" : "threads")",
      ])
    }
    if let m = report.metric {
      switch m.kind {
      case .accuracy:
        table.add([
          "accuracy", fixed(m.before * 100, 2) + " %", fixed(m.after * 100, 2) + " %",
          "\(m.after > m.before ? "+" : "")\(fixed((m.after - m.before) * 100, 2)) points, "
            + "\(grouped(report.rows)) rows",
        ])
      case .mse:
        table.add([
          "mse", "\(Float(m.before))", "\(Float(m.after))",
          m.before > 0
            ? "\(m.after > m.before ? "+" : "")\(fixed((m.after / m.before - 1) * 100, 2)) %, "
              + "\(grouped(report.rows)) rows" : "",
        ])
      }
    }
    result += table.text
    if !report.outputs.isEmpty {
      result += "\n"
      var outputs = Table(["output", "signal/noise dB", "relative error"], right: [1, 2])
      for o in report.outputs {
        outputs.add([o.name, decibels(o.ratio), fixed(o.relative, 6)])
      }
      result += outputs.text
      if isMadeUp { result += "on made-up inputs: give --test or --calibration for real ones\n" }
    }
    return result + layerText + keptText + report.notes.map { "note: \($0)\n" }.joined()
  }

  private var layerText: String {
    guard !report.layers.isEmpty else { return "" }
    let rows = showsAll ? report.layers : Array(report.layers.prefix(Self.shown))
    var table = Table(
      ["layer, worst first", "operator", "weights dB", "result dB"], right: [2, 3])
    for r in rows {
      table.add([r.name, r.operatorName, decibels(r.weights), decibels(r.activations)])
    }
    let rest = report.layers.count - rows.count
    return "\n" + table.text + (rest > 0 ? "and \(grouped(rest)) better ones: --layers\n" : "")
  }

  private var keptText: String {
    guard !report.kept.isEmpty else { return "" }
    var table = Table(["kept in float", "operator", "why"])
    for k in report.kept { table.add([k.name, k.operatorName, k.reason]) }
    return "\n" + table.text
  }

  var json: String {
    func number(_ x: Double?) -> JSONValue {
      guard let x else { return .null }
      return x.isFinite ? .double(x) : .string("\(x)")
    }
    func pair(_ a: Double, _ b: Double) -> JSONValue {
      ["before": .double(a), "after": .double(b)]
    }
    var object: JSONObject = [
      "model": .string(model), "output": .string(output),
      "mode": .string(report.options.mode.rawValue), "summary": .string(report.summary),
      "file_bytes": [
        "before": .int(Int64(bytes.before)), "after": .int(Int64(bytes.after)),
      ],
      "weight_bytes": [
        "before": .int(Int64(report.parameterBytes.before)),
        "after": .int(Int64(report.parameterBytes.after)),
      ],
      "calibration_rows": .int(Int64(report.calibrationRows)),
      "measured_rows": .int(Int64(report.rows)), "made_up_inputs": .bool(isMadeUp),
    ]
    if let latency {
      object.append("latency_seconds", pair(latency.before, latency.after))
      object.append("threads", .int(Int64(threads)))
    }
    if let m = report.metric { object.append(m.kind.rawValue, pair(m.before, m.after)) }
    object.append(
      "outputs",
      .array(
        report.outputs.map {
          [
            "name": .string($0.name), "decibels": number($0.ratio),
            "relative_error": number($0.relative),
          ]
        }))
    object.append(
      "layers",
      .array(
        report.layers.map {
          [
            "name": .string($0.name), "operator": .string($0.operatorName),
            "weights_decibels": number($0.weights), "result_decibels": number($0.activations),
          ]
        }))
    object.append(
      "float_layers",
      .array(
        report.kept.map {
          [
            "name": .string($0.name), "operator": .string($0.operatorName),
            "reason": .string($0.reason),
          ]
        }))
    object.append("notes", .array(report.notes.map { .string($0) }))
    return JSONWriter.string(of: .object(object), pretty: true)
  }
}
