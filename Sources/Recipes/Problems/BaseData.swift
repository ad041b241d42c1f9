import DataSets
import Formats
import Graphs
import Layers
import Tensors
import Training

/// Data for a model that is there already: its inputs, its classes, and which output is trained.
struct BaseData {
  let config: TrainConfig
  let path: String
  /// The output that is compared with the targets.
  let output: Int
  /// Whether it is a distribution already.
  let isProbability: Bool
  private let names: [String]
  private let facts: [Fact]
  private let features: [String]?
  private let classes: [String]?
  private let width: Int?

  /// - Errors: `.unsupported` for a model without an output of real numbers.
  init(
    model: ModelGraph, imported: ImportedModel, config: TrainConfig, path: String
  ) throws(EngineError) {
    self.config = config
    self.path = path
    let graph = model.graph
    names = imported.inputNames
    var known: [String: Fact] = [:]
    for id in graph.inputs { known[graph.name(id)] = graph.values[id.index].fact }
    facts = names.map { known[$0] ?? Fact(nil, nil) }
    guard
      let place = graph.outputs.firstIndex(where: {
        graph.values[$0.index].fact.dtype?.isFloat == true
      })
    else {
      throw EngineError(
        .unsupported, "the model has no output of real numbers to train",
        subject: .init(file: path))
    }
    output = place
    let id = graph.outputs[place]
    isProbability = graph.nodes.contains { $0.type == "Softmax" && $0.outputs.contains(id) }
    width = graph.values[id.index].fact.dims?.last?.known
    func list(_ key: String) throws(EngineError) -> [String]? {
      guard let text = model.metadata(key) else { return nil }
      return try JSONParser.parse(Array(text.utf8)).asArray?.compactMap(\.asString)
    }
    features = try list("dlrun.features")
    classes = try list("dlrun.classes")
  }

  func problem(_ paths: [String], held: [String]) throws -> Problem {
    guard let first = paths.first, paths.count == 1 else {
      throw EngineError(
        .usage, "a model is trained further on one file", expected: "a .csv or .npz file",
        received: paths.joined(separator: " "))
    }
    let isTable = first.hasSuffix(".csv") || first.hasSuffix(".tsv")
    let samples = try isTable ? table(first) : archive(first)
    let numbers = try samples.targets.numbers()
    let goal: Goal =
      samples.isClass
      ? .classes(classes ?? (0..<(width ?? Int(numbers.max() ?? 0) + 1)).map { "\($0)" })
      : .number(name: config.target ?? "target", mean: 0, deviation: 1)
    let all = try ArrayData(samples.inputs, [samples.targets])
    let classNumbers = samples.isClass ? numbers.map { Int($0) } : nil
    if let bad = classNumbers?.first(where: { $0 < 0 || $0 >= goal.width }) {
      throw EngineError(
        .value, "a class that the model does not have", expected: "0 to \(goal.width - 1)",
        received: "\(bad)", subject: .init(file: first))
    }
    var (learn, test): (any DataSet, any DataSet) = (all, all)
    var groups = classNumbers
    if let other = held.first {
      let more = try isTable ? table(other) : archive(other)
      test = try ArrayData(more.inputs, [more.targets])
    } else {
      let parts = try all.split(config.testShare, seed: config.seed, classes: classNumbers)
      (learn, test) = parts
      groups = classNumbers.map { c in parts.0.samples.map { c[$0] } }
    }
    let (train, validation) = try learn.split(
      config.validationShare, seed: config.seed &+ 1, classes: groups)
    return Problem(
      goal: goal, encoding: TokenEncoding(name: names.first ?? "", sizes: []), train: train,
      validation: validation, test: test)
  }

  private typealias Samples = (inputs: [Tensor], targets: Tensor, isClass: Bool)

  private func archive(_ file: String) throws -> Samples {
    let read = try ArrayFile.read(file, target: config.target)
    var inputs: [Tensor] = []
    for (i, name) in names.enumerated() {
      let only = names.count == 1 && read.inputs.count == 1 ? read.inputs.first : nil
      guard let found = read.inputs.first(where: { $0.name == name }) ?? only else {
        throw EngineError(
          .malformed, "the archive has no array for input '\(name)'",
          received: read.inputs.map(\.name).joined(separator: ", "), subject: .init(file: file))
      }
      inputs.append(try found.value.cast(to: facts[i].dtype ?? found.value.dtype))
    }
    let isClass = config.task.map { $0 == "classes" } ?? !read.target.dtype.isFloat
    let targets =
      isClass ? try read.target.cast(to: .int64) : try read.target.cast(to: .float32)
    let rows = targets.shape.rank == 1 && !isClass ? try targets.expandDims(at: -1) : targets
    return (inputs, rows, isClass)
  }

  private func table(_ file: String) throws -> Samples {
    let table = try Table(contentsOf: file)
    guard let features else {
      throw EngineError(
        .unsupported, "the model does not say which columns it takes",
        expected: "dlrun.features in its metadata", hint: "give the data as .npz",
        subject: .init(file: path))
    }
    let rest = table.columns.filter { !features.contains($0.name) }
    guard let target = try config.target.map({ try table.column($0) }) ?? rest.last else {
      throw EngineError(.malformed, "the table has no target", subject: .init(file: file))
    }
    var inputs: [Tensor] = []
    var at = 0
    for (i, name) in names.enumerated() {
      let count =
        facts[i].dims?.dropFirst().map({ $0.known ?? 1 }).reduce(1, *) ?? features.count
      guard at + count <= features.count else {
        throw EngineError(
          .invalidModel, "dlrun.features has fewer columns than input '\(name)' takes",
          subject: .init(file: path))
      }
      let columns = try features[at..<at + count].map { try table.column($0) }
      at += count
      let shape = try Shape(checking: [table.rowCount, count])
      let rows = 0..<table.rowCount
      if facts[i].dtype == .string {
        inputs.append(
          try Tensor(shape: shape, strings: rows.flatMap { r in columns.map { $0.cells[r] } }))
        continue
      }
      for column in columns where column.kind != .numbers {
        throw EngineError(
          .malformed, "column '\(column.name)' is not numbers", subject: .init(file: file))
      }
      let values = rows.flatMap { r in columns.map { Float($0.numbers[r]) } }
      inputs.append(
        try Tensor(shape: shape, values).cast(to: facts[i].dtype ?? .float32))
    }
    guard let classes else {
      return (
        inputs, try Tensor(shape: [table.rowCount, 1], target.numbers.map { Float($0) }), false
      )
    }
    var numbers: [Int64] = []
    for cell in target.cells {
      guard let place = classes.firstIndex(of: cell) else {
        throw EngineError(
          .value, "a class that the model does not have",
          expected: classes.prefix(10).joined(separator: ", "), received: "'\(cell)'",
          subject: .init(file: file))
      }
      numbers.append(Int64(place))
    }
    return (inputs, try Tensor(numbers), true)
  }
}
