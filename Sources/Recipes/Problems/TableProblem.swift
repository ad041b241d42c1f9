import DataSets
import Formats
import Layers
import Tensors

/// Makes a problem of a table: the task from its target, features from its other columns.
struct TableProblem {
  let table: Table
  let config: TrainConfig
  private var notes: [String] = []

  /// Fewer rows than this cannot be divided into three parts that mean anything.
  static let leastRows = 10

  init(_ table: Table, _ config: TrainConfig) {
    self.table = table
    self.config = config
  }

  private func refused(
    _ message: String, expected: String? = nil, received: String? = nil, hint: String? = nil
  ) -> EngineError {
    EngineError(
      .malformed, message, expected: expected, received: received, hint: hint,
      subject: .init(file: table.path))
  }

  /// - `held`: a table of its own to test on, of the same columns.
  mutating func problem(held: Table? = nil) throws -> Problem {
    for name in config.ignore { _ = try table.column(name) }
    let target = try targetColumn()
    let rows = (0..<table.rowCount).filter { CSVText(target.cells[$0]) != .missing }
    if rows.count < table.rowCount {
      notes.append(
        "\(table.rowCount - rows.count) rows without '\(target.name)' are left out")
    }
    guard rows.count >= Self.leastRows else {
      throw refused(
        "the table has too few rows to learn from and to test on",
        expected: "\(Self.leastRows) or more with a value in '\(target.name)'",
        received: "\(rows.count)", hint: "add rows")
    }
    let goal = try goal(of: target, rows)
    let answers = try self.answers(target, goal, table, rows)
    var classes: [Int]?
    if case .classes = goal { classes = answers.map { Int($0) } }
    let seed = config.seed
    var (learn, test): ([Int], [Int]) = (Array(rows.indices), [])
    if held == nil {
      (learn, test) = try DataOrder.split(
        rows.count, config.testShare, seed: seed, classes: classes)
    }
    let (first, second) = try DataOrder.split(
      learn.count, config.validationShare, seed: seed &+ 1,
      classes: classes.map { c in learn.map { c[$0] } })
    let (train, validation) = (first.map { learn[$0] }, second.map { learn[$0] })

    let encoding = try features(target, train.map { rows[$0] })
    let raw = try inputs(encoding, table, rows)
    let encoder = try Encoder(encoding)
    let scaled = try targets(answers, goal, scaled: true)
    let encoded = try ArrayData([encoder(raw)], [scaled])
    let plain = try ArrayData(raw, [targets(answers, goal, scaled: false)])
    var testData: any DataSet = plain.subset(test)
    if let held { testData = try heldData(held, target.name, goal, encoding) }
    return Problem(
      goal: goal, encoding: encoding, train: encoded.subset(train),
      validation: encoded.subset(validation), test: testData,
      metadata: [("dlrun.features", list(encoding.features))], notes: notes)
  }

  private func list(_ names: [String]) -> String {
    JSONWriter.string(of: .array(names.map { .string($0) }))
  }

  private func heldData(
    _ held: Table, _ target: String, _ goal: Goal, _ encoding: ColumnsEncoding
  ) throws -> any DataSet {
    let column = try held.column(target)
    let rows = (0..<held.rowCount).filter { CSVText(column.cells[$0]) != .missing }
    let answers = try self.answers(column, goal, held, rows)
    return try ArrayData(
      inputs(encoding, held, rows), [targets(answers, goal, scaled: false)])
  }

  /// The column named, or one that is called as targets are, or the last.
  private func targetColumn() throws(EngineError) -> TableColumn {
    if let name = config.target { return try table.column(name) }
    let usual = ["target", "label", "class", "species", "y"]
    let kept = table.columns.filter { !config.ignore.contains($0.name) }
    if let found = kept.first(where: { usual.contains($0.name.lowercased()) }) { return found }
    guard let last = kept.last, kept.count > 1 else {
      throw refused("the table has one column", expected: "features and a target")
    }
    return last
  }

  private mutating func goal(
    of target: TableColumn, _ rows: [Int]
  ) throws(EngineError) -> Goal {
    if target.kind == .dates {
      throw refused(
        "the target '\(target.name)' holds dates, which are not learned",
        hint: "name another with --target")
    }
    let values = rows.map { target.cells[$0] }
    let counts = TableColumn(name: target.name, index: 0, cells: values).counts
    var isClass = config.task.map { $0 == "classes" } ?? (target.kind == .texts)
    if config.task == nil, target.kind == .numbers {
      let whole = rows.allSatisfy { target.numbers[$0] == target.numbers[$0].rounded() }
      isClass = whole && counts.count <= 20 && counts.count * 5 <= rows.count
    }
    guard counts.count > 1 else {
      throw refused(
        "every row has the same '\(target.name)', so there is nothing to tell apart",
        expected: "two different values or more", received: "'\(counts.first?.cell ?? "")' alone")
    }
    if isClass { return .classes(try classNames(target, counts, rows)) }
    guard target.kind == .numbers else {
      throw refused(
        "the target '\(target.name)' is not a number in every row", hint: "set task: classes")
    }
    let numbers = rows.map { target.numbers[$0] }
    guard numbers.allSatisfy(\.isFinite) else {
      throw refused("the target '\(target.name)' has an infinite value", expected: "finite numbers")
    }
    let (mean, deviation) = moments(numbers)
    return .number(name: target.name, mean: mean, deviation: deviation)
  }

  private mutating func classNames(
    _ target: TableColumn, _ counts: [(cell: String, count: Int)], _ rows: [Int]
  ) throws(EngineError) -> [String] {
    guard counts.count * 2 <= rows.count else {
      throw refused(
        "the target '\(target.name)' has nearly as many values as rows, so they are no classes",
        expected: "at most \(rows.count / 2) classes for \(rows.count) rows",
        received: "\(counts.count)",
        hint: NumberText.example(target).map {
          "to be a number, '\($0)' must be written with a point and without signs"
        } ?? "name another column with --target")
    }
    let rare = counts.filter { $0.count < 3 }.map { "'\($0.cell)'" }
    if !rare.isEmpty {
      notes.append(
        "classes with fewer than 3 rows are hardly learned: "
          + rare.prefix(5).joined(separator: ", ") + (rare.count > 5 ? ", ..." : ""))
    }
    let names = counts.map(\.cell)
    guard target.kind == .numbers else { return names.sorted() }
    // Different spellings of a number are one class.
    var values: Set<Double> = []
    for row in rows { values.insert(target.numbers[row]) }
    return values.sorted().map { Self.text($0) }
  }

  static func text(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }

  /// Class numbers, or numbers in the target's unit.
  private func answers(
    _ target: TableColumn, _ goal: Goal, _ table: Table, _ rows: [Int]
  ) throws(EngineError) -> [Double] {
    var result: [Double] = []
    var places: [String: Int] = [:]
    if case .classes(let names) = goal { for (i, n) in names.enumerated() { places[n] = i } }
    for row in rows {
      if case .number = goal {
        guard case .number(let v) = CSVText(target.cells[row]) else {
          throw EngineError(
            .malformed, "the target '\(target.name)' is no number", received: target.cells[row],
            subject: .init(file: table.path))
        }
        result.append(v)
        continue
      }
      var name = target.cells[row]
      if target.kind == .numbers { name = Self.text(target.numbers[row]) }
      guard let place = places[name] else {
        throw EngineError(
          .malformed, "a class that training data do not have",
          expected: places.keys.sorted().prefix(10).joined(separator: ", "),
          received: "'\(name)'", subject: .init(file: table.path))
      }
      result.append(Double(place))
    }
    return result
  }

  private func targets(
    _ answers: [Double], _ goal: Goal, scaled: Bool
  ) throws(EngineError) -> Tensor {
    switch goal {
    case .number(_, let mean, let deviation):
      let list = answers.map { Float(scaled ? ($0 - mean) / deviation : $0) }
      return try Tensor(shape: [list.count, 1], list)
    default: return try Tensor(answers.map { Int64($0) })
    }
  }

  /// Chosen from training rows alone, so that the others tell something.
  private mutating func features(
    _ target: TableColumn, _ rows: [Int]
  ) throws(EngineError) -> ColumnsEncoding {
    var numbers: [ColumnsEncoding.Numbers] = []
    var categories: [ColumnsEncoding.Categories] = []
    var constant: [String] = []
    for column in table.columns
    where column.name != target.name && !config.ignore.contains(column.name) {
      switch column.kind {
      case .empty: constant.append(column.name)
      case .dates:
        throw refused(
          "column '\(column.name)' holds dates, which no feature is made of",
          hint: "leave it out with --ignore \(column.name), or give the parts that matter, such as "
            + "the month, as numbers")
      case .numbers:
        let known = rows.map { column.numbers[$0] }.filter { !$0.isNaN }
        let finite = known.filter { Float($0).isFinite }
        if finite.count < known.count {
          notes.append(
            "column '\(column.name)': \(known.count - finite.count) numbers that are infinite or beyond "
              + "3e38 are cut off")
        }
        let (mean, deviation) = moments(finite)
        let marks = rows.contains { column.numbers[$0].isNaN }
        let varies = finite.contains { $0 != finite[0] }
        if !varies, !marks {
          constant.append(column.name)
          continue
        }
        numbers.append(
          .init(
            name: column.name, mean: Float(mean), scale: varies ? Float(1 / deviation) : 0,
            marksMissing: marks))
      case .texts:
        if let cell = NumberText.example(column) {
          notes.append(
            "column '\(column.name)' is text, since cells such as '\(cell)' are no plain numbers: write "
              + "them with a point and without signs")
        }
        if let made = category(column, rows) {
          categories.append(made)
        } else {
          constant.append(column.name)
        }
      }
    }
    if !constant.isEmpty {
      notes.append(
        "columns that tell nothing are left out: " + constant.prefix(8).joined(separator: ", ")
          + (constant.count > 8 ? ", ..." : ""))
    }
    guard !numbers.isEmpty || !categories.isEmpty else {
      throw refused(
        "no column is left to learn from",
        expected:
          "beside '\(target.name)' one of numbers, or of texts that come again, that varies",
        received: notes.isEmpty ? "none" : notes.joined(separator: "; "))
    }
    return ColumnsEncoding(numbers: numbers, categories: categories)
  }

  private mutating func category(
    _ column: TableColumn, _ rows: [Int]
  ) -> ColumnsEncoding.Categories? {
    var table: [String: Int] = [:]
    for row in rows { table[column.cells[row], default: 0] += 1 }
    if table.count < 2 { return nil }
    let often = table.filter { $0.value >= config.leastCount }.sorted {
      $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key
    }
    let kept = often.prefix(config.mostCategories).map(\.key).sorted()
    // Free text and identifiers are nearly all different.
    let covered = kept.reduce(0) { $0 + (table[$1] ?? 0) }
    guard !kept.isEmpty, covered * 10 >= rows.count else {
      notes.append(
        "column '\(column.name)' is free text or an identifier, of which no categories are made")
      return nil
    }
    if kept.count < table.count {
      notes.append(
        "column '\(column.name)': \(table.count - kept.count) rare categories are one")
    }
    return .init(name: column.name, values: kept)
  }

  /// The columns of features as the saved model takes them.
  private func inputs(
    _ encoding: ColumnsEncoding, _ table: Table, _ rows: [Int]
  ) throws(EngineError) -> [Tensor] {
    var result: [Tensor] = []
    if !encoding.numbers.isEmpty {
      var values = [Float](repeating: 0, count: rows.count * encoding.numbers.count)
      for (j, feature) in encoding.numbers.enumerated() {
        let column = try table.column(feature.name)
        guard column.kind == .numbers || column.kind == .empty else {
          throw EngineError(
            .malformed, "column '\(feature.name)' is not numbers, as it was in training",
            subject: .init(file: table.path))
        }
        for (i, row) in rows.enumerated() {
          values[i * encoding.numbers.count + j] =
            column.kind == .empty ? .nan : Float(column.numbers[row])
        }
      }
      result.append(try Tensor(shape: [rows.count, encoding.numbers.count], values))
    }
    if !encoding.categories.isEmpty {
      let columns = try encoding.categories.map { (c) throws(EngineError) in
        try table.column(c.name)
      }
      var cells: [String] = []
      for row in rows { for column in columns { cells.append(column.cells[row]) } }
      result.append(try Tensor(shape: [rows.count, columns.count], strings: cells))
    }
    return result
  }
}

/// Mean and deviation of the finite numbers; a deviation of 1 for none that differ.
func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
  guard !values.isEmpty else { return (0, 1) }
  let mean = values.reduce(0, +) / Double(values.count)
  let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
  let deviation = square.squareRoot()
  return (mean, deviation > 0 && deviation.isFinite ? deviation : 1)
}
