/// The line that `ProgressBar` draws: what of it is shown follows from the width and the figures'
/// names alone, so that nothing moves while it is drawn over.
///
/// Where columns are few, first the bar is shorter, then left out, then names are short, then figures
/// have fewer digits, then the least important figures are left out.
struct ProgressLine {
  let epoch: Int
  let epochs: Int
  let logs: Logs
  let width: Int

  /// `epoch 2/5 [=====     ] 120/400 3.1s loss: 0.2134, ...` while an epoch runs.
  func running(done: Int, of count: Int?, seconds: Double) -> String {
    guard let count, count > 0 else {
      return line("\(start)\(done) ", time(seconds), bars: [0]) { _ in "" }
    }
    let number = "\(done)"
    let padding = String(repeating: " ", count: max("\(count)".count - number.count, 0))
    let rest = "\(start)\(padding)\(number)/\(count) "
    return line(rest, time(seconds), bars: [20, 10, 5, 0], insertAt: start.count) { room in
      guard room > 0 else { return "" }
      let filled = min(done, count) * room / count
      return "[" + String(repeating: "=", count: filled)
        + String(repeating: " ", count: room - filled) + "] "
    }
  }

  /// `epoch 2/5 3.1s loss: 0.2134, ...` when it is done.
  func ended(seconds: Double) -> String {
    line(start, time(seconds), bars: [0]) { _ in "" }
  }

  private var start: String { "epoch \(epoch + 1)/\(epochs) " }

  /// At most seven columns below a hundred hours.
  private func time(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9))
    if whole >= 3600 { return "\(whole / 3600)h\(two(whole / 60 % 60))m " }
    if whole >= 600 { return "\(whole / 60)m\(two(whole % 60))s " }
    let tenths = Int((max(seconds, 0) * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)s "
  }

  private func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }

  /// The first way of writing it all that has room, else the last one with fewer figures.
  private func line(
    _ front: String, _ time: String, bars: [Int], insertAt place: Int = 0, bar: (Int) -> String
  ) -> String {
    let (names, head) = (logs.names, front + time)
    let sign = logs.contains { $0.value < 0 } ? 1 : 0
    func whole(_ room: Int, _ figures: String) -> String {
      let at = head.index(head.startIndex, offsetBy: place)
      return head[..<at] + bar(room) + head[at...] + figures
    }
    func columns(_ room: Int, _ isShort: Bool, _ digits: Int, _ shown: [String]) -> Int {
      // The time grows while the line is drawn over.
      let figures = shown.map { (isShort ? Self.short($0) : $0).count + digits + sign + 6 }
      return front.count + max(time.count, 7) + (room > 0 ? room + 3 : 0) + figures.reduce(0, +)
        - (shown.isEmpty ? 0 : 2)
    }
    func figures(_ isShort: Bool, _ digits: Int, _ shown: [String]) -> String {
      shown.compactMap { name in
        logs[name].map { "\(isShort ? Self.short(name) : name): \(Self.figure($0, digits))" }
      }.joined(separator: ", ")
    }
    for room in bars where columns(room, false, 4, names) <= width {
      return whole(room, figures(false, 4, names))
    }
    for digits in [4, 3] where columns(0, true, digits, names) <= width {
      return whole(0, figures(true, digits, names))
    }
    var shown = Self.byImportance(names)
    while !shown.isEmpty, columns(0, true, 3, shown) > width { shown.removeLast() }
    let kept = names.filter { shown.contains($0) }
    return String(whole(0, figures(true, 3, kept)).prefix(width))
  }

  /// The losses first, then what validation says of the metrics in their order, then these.
  private static func byImportance(_ names: [String]) -> [String] {
    func rank(_ name: String) -> Int {
      name == "loss" ? 0 : name == "val_loss" ? 1 : name.hasPrefix("val_") ? 2 : 3
    }
    // Where nothing is validated metrics follow the loss.
    return (0...3).flatMap { r in names.filter { rank($0) == r } }
  }

  /// Names as they are known for short.
  private static func short(_ name: String) -> String {
    if name.hasPrefix("val_") { return "val_" + short(String(name.dropFirst(4))) }
    let known = [
      "accuracy": "acc", "binary_accuracy": "acc", "categorical_accuracy": "acc",
      "sparse_categorical_accuracy": "acc", "precision": "prec", "recall": "rec",
      "mean_absolute_error": "mae", "mean_squared_error": "mse",
      "root_mean_squared_error": "rmse", "mean_absolute_percentage_error": "mape",
      "mean_squared_logarithmic_error": "msle", "cosine_similarity": "cos",
      "kullback_leibler": "kl", "pearson": "r",
    ]
    if let short = known[name] { return short }
    // The first letters of its words: they tell it apart where the whole name has no room.
    let words = name.split(separator: "_")
    return name.count <= 8 || words.count < 2
      ? String(name.prefix(8)) : String(words.compactMap(\.first))
  }

  /// A number of so many digits, or fewer in powers of ten: at most `digits + 2` columns, one more
  /// below zero.
  static func figure(_ x: Double, _ digits: Int) -> String {
    guard x.isFinite else { return x.isNaN ? "nan" : x < 0 ? "-inf" : "inf" }
    let size = abs(x)
    if size != 0, size < 1e-3 || size >= 99_999 {
      var (m, e) = (size, 0)
      while m >= 9.95 {
        m /= 10
        e += 1
      }
      while m < 0.995 {
        m *= 10
        e -= 1
      }
      let tenths = Int((m * 10).rounded())
      let isWhole = digits < 4 || e <= -10 || e >= 10
      let mantissa = isWhole ? "\(Int(m.rounded()))" : "\(tenths / 10).\(tenths % 10)"
      return "\(x < 0 ? "-" : "")\(mantissa)e\(e)"
    }
    var (places, limit) = (digits, 9.9995)
    while places > 0, size >= limit {
      places -= 1
      limit = limit * 10 + 0.0005
    }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let whole = Int((size * scale).rounded())
    let sign = x < 0 && whole != 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(whole)" }
    let (a, b) = whole.quotientAndRemainder(dividingBy: Int(scale))
    let fraction = "\(b)"
    return "\(sign)\(a)." + String(repeating: "0", count: places - fraction.count) + fraction
  }
}
