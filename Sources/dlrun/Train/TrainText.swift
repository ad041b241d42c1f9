import Formats
import Recipes

/// What `dlrun train` prints.
enum TrainText {
  static func report(_ result: Recipe.Result, _ output: String) -> String {
    var text = "\(Terminal.bold(output)): \(result.goal.description)\n"
    text +=
      "\(result.parameterCount) parameters, \(result.epochs) epochs on \(result.samples.train) "
      + "samples, \(result.samples.validation) to choose by\n"
    if result.shareWaited >= 0.02 {
      text += "training waited for data \(percent(result.shareWaited)) of the time\n"
    }
    text += "\n"
    text += "on \(result.report.count) held-out samples\n"
    var table = Table(["figure", "value"], right: [1])
    for (name, value) in result.report.figures {
      table.add([name, name.contains("accuracy") ? percent(value) : figure(value)])
    }
    text += table.text
    if case .classes(let names) = result.goal { text += confusion(result.report, names) }
    if !result.report.worst.isEmpty {
      text += "\nlargest errors\n"
      var worst = Table(["right", "said"], right: [0, 1])
      for (right, said) in result.report.worst { worst.add([figure(right), figure(said)]) }
      text += worst.text
    }
    return text
  }

  /// A row for what was right, a column for what the model said; large tables without the columns
  /// that hold nothing wrong.
  private static func confusion(_ report: TrainReport, _ names: [String]) -> String {
    if names.count > 20 {
      var text = "\nmost frequent mistakes\n"
      var table = Table(["right", "said", "times"], right: [2])
      var cells: [(Int, Int, Int)] = []
      for (r, row) in report.confusion.enumerated() {
        for (c, n) in row.enumerated() where r != c && n > 0 { cells.append((r, c, n)) }
      }
      for (r, c, n) in cells.sorted(by: { $0.2 > $1.2 }).prefix(10) {
        table.add([names[r], names[c], "\(n)"])
      }
      text += table.text
      return text
    }
    var table = Table(["right \\ said"] + names, right: Set(1...names.count))
    for (i, row) in report.confusion.enumerated() { table.add([names[i]] + row.map { "\($0)" }) }
    return "\n" + table.text
  }

  static func json(_ result: Recipe.Result, _ output: String) -> String {
    var object: JSONObject = [
      "model": .string(output), "task": .string(result.goal.description),
      "parameters": .int(Int64(result.parameterCount)), "epochs": .int(Int64(result.epochs)),
      "train": .int(Int64(result.samples.train)),
      "validation": .int(Int64(result.samples.validation)),
      "waited for data": .double(result.shareWaited), "test": result.report.json,
      "notes": .array(result.notes.map { .string($0) }),
    ]
    if case .classes(let names) = result.goal {
      object.append("classes", .array(names.map { .string($0) }))
    }
    if let path = result.checkpoint { object.append("checkpoint", .string(path)) }
    return JSONWriter.string(of: .object(object), pretty: true) + "\n"
  }

  /// The command that goes on with a run, as a shell takes it.
  static func command(_ arguments: [String]) -> String {
    let safe = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:@%+")
    var words = ["dlrun"] + arguments.dropFirst().filter { $0 != "--resume" } + ["--resume"]
    words = words.map { w in
      !w.isEmpty && w.allSatisfy { safe.contains($0) }
        ? w
        : "'"
          + w.split(separator: "'", omittingEmptySubsequences: false)
          .joined(separator: "'\\''") + "'"
    }
    return words.joined(separator: " ")
  }

  private static func percent(_ share: Double) -> String { fixed(share * 100, 2) + " %" }

  /// Four digits that count.
  private static func figure(_ value: Double) -> String {
    let size = abs(value)
    return fixed(value, size >= 1000 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 4 : 6)
  }
}
