import Formats

/// What a saved model is worth on samples it never saw.
public struct TrainReport: Sendable {
  public let goal: Goal
  /// Held-out samples; for text, characters.
  public let count: Int
  /// Figures by name.
  public let figures: [(name: String, value: Double)]
  /// How often a sample of the row's class was taken for the column's; empty for other goals.
  public let confusion: [[Int]]
  /// Held-out samples of largest error: what was right and what the model said; for numbers.
  public let worst: [(right: Double, said: Double)]

  /// - `probabilities`: a row for each target.
  init(classes names: [String], right: [Int], probabilities: [[Double]]) {
    goal = .classes(names)
    count = right.count
    var table = [[Int]](repeating: [Int](repeating: 0, count: names.count), count: names.count)
    var loss = 0.0
    for (r, p) in zip(right, probabilities) {
      let said = p.indices.max { p[$0] < p[$1] || (p[$0] == p[$1] && $0 > $1) } ?? 0
      table[r][said] += 1
      loss -= logarithm(max(p[r], 1e-12))
    }
    confusion = table
    worst = []
    let hits = names.indices.reduce(0) { $0 + table[$1][$1] }
    let largest = table.map { $0.reduce(0, +) }.max() ?? 0
    let n = Double(max(count, 1))
    var list: [(name: String, value: Double)] = [
      ("accuracy", Double(hits) / n), ("loss", loss / n),
      ("accuracy of always the most frequent", Double(largest) / n),
    ]
    var f = 0.0
    var present = 0
    for i in names.indices {
      let actual = table[i].reduce(0, +)
      let said = table.reduce(0) { $0 + $1[i] }
      if actual == 0 { continue }
      present += 1
      f += actual + said == 0 ? 0 : 2 * Double(table[i][i]) / Double(actual + said)
    }
    list.append(("mean F1", f / Double(max(present, 1))))
    figures = list
  }

  init(name: String, right: [Double], said: [Double]) {
    goal = .number(name: name, mean: 0, deviation: 1)
    count = right.count
    confusion = []
    let n = Double(max(right.count, 1))
    let errors = zip(right, said).map { $1 - $0 }
    let square = errors.reduce(0) { $0 + $1 * $1 }
    let mean = right.reduce(0, +) / n
    let spread = right.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let sizes = errors.map { abs($0) }.sorted()
    figures = [
      ("mean absolute error", sizes.reduce(0, +) / n),
      ("root mean squared error", (square / n).squareRoot()),
      ("R2", spread > 0 ? 1 - square / spread : 0),
      ("median absolute error", sizes.isEmpty ? 0 : sizes[sizes.count / 2]),
      ("mean error", errors.reduce(0, +) / n),
      ("root mean squared error of the mean", (spread / n).squareRoot()),
    ]
    worst = zip(right, said).sorted { abs($0.0 - $0.1) > abs($1.0 - $1.1) }.prefix(3)
      .map { (right: $0.0, said: $0.1) }
  }

  init(characters names: [String], count: Int, loss: Double, hits: Int) {
    goal = .characters(names)
    self.count = count
    confusion = []
    worst = []
    let n = Double(max(count, 1))
    figures = [
      ("accuracy", Double(hits) / n), ("loss", loss / n),
      ("bits a character", loss / n / logarithm(2)),
    ]
  }

  public var json: JSONValue {
    var object: JSONObject = ["count": .int(Int64(count))]
    for (name, value) in figures {
      object.append(name.split(separator: " ").joined(separator: "_").lowercased(), .double(value))
    }
    if !confusion.isEmpty {
      object.append(
        "confusion", .array(confusion.map { .array($0.map { .int(Int64($0)) }) }))
    }
    return .object(object)
  }
}
