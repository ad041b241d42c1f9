import Graphs
import Runtime
import Tensors

/// Runs the float and a quantised model on the same rows.
struct Evaluator {
  let prepared: PreparedModel
  let data: any CalibrationData
  let labels: Labels?
  let threads: Int?
  let progress: QuantizationProgress.Observer?
  private let float: Session

  init(
    _ prepared: PreparedModel, _ data: any CalibrationData, _ labels: Labels?, threads: Int?,
    progress: QuantizationProgress.Observer?
  ) throws(EngineError) {
    self.prepared = prepared
    self.data = data
    self.labels = labels
    self.threads = threads
    self.progress = progress
    float = try Session(prepared.model, options: .init(threads: threads))
  }

  struct Comparison {
    var outputs: [(name: String, noise: NoiseSum)] = []
    var before = Labels.Score()
    var after = Labels.Score()
    var rows = 0

    var relative: Double { outputs.map(\.noise.relative).max() ?? 0 }

    /// What was lost, as `QuantizationOptions.maxDrop` counts.
    func drop(_ labels: Labels?) -> Double {
      switch labels?.metric {
      case .accuracy: return before.value - after.value
      case .mse:
        if before.value > 0 { return (after.value - before.value) / before.value }
        return after.value > 0 ? .infinity : 0
      case nil: return relative
      }
    }
  }

  /// Compares outputs, and both with the labels where there are some, on at most `limit` rows.
  ///
  /// Errors: those of the runs and the data; `.shape` for more or fewer labels than rows.
  func compare(
    _ model: ModelGraph, limit: Int? = nil, stage: String
  ) throws(EngineError) -> Comparison {
    let session = try Session(model, options: .init(threads: threads))
    var result = Comparison()
    result.outputs = float.outputs.map { ($0.name, NoiseSum()) }
    try data.forEachBatch { (batch, rows) throws(EngineError) in
      let x = try float.run(batch)
      let y = try session.run(batch)
      for i in result.outputs.indices {
        if let a = x[i], let b = y[i] { result.outputs[i].noise.add(a, b) }
      }
      if let labels, let a = x[0], let b = y[0] {
        try result.before.add(labels, a, from: result.rows, rows: rows)
        try result.after.add(labels, b, from: result.rows, rows: rows)
      }
      result.rows += rows
      progress?(.init(stage: stage, done: result.rows, total: limit))
      return limit.map { result.rows < $0 } ?? true
    }
    if let labels, limit == nil, labels.rows != result.rows {
      throw EngineError(
        .shape, "there are more labels than rows", expected: "\(result.rows)",
        received: "\(labels.rows)", hint: "are they those of other rows?")
    }
    return result
  }

  /// The noise of each layer's result within the quantised model, on at most `limit` rows.
  func probe(_ rewritten: Rewritten, limit: Int) throws(EngineError) -> [String: NoiseSum] {
    let probes = rewritten.probes.sorted { $0.key < $1.key }
    if probes.isEmpty { return [:] }
    let places = Dictionary(
      prepared.graph.values.enumerated().map { ($1.name, ValueID($0)) },
      uniquingKeysWith: { a, _ in a })
    let inside = Dictionary(
      rewritten.model.graph.values.enumerated().map { ($1.name, ValueID($0)) },
      uniquingKeysWith: { a, _ in a })
    let known = probes.filter {
      places[$0.value.float] != nil && inside[$0.value.quantised] != nil
    }
    let mine = known.compactMap { places[$0.value.float] }.uniqued()
    let theirs = known.compactMap { inside[$0.value.quantised] }.uniqued()
    var quantised = rewritten.model
    quantised.graph.outputs = theirs
    let x = try Session(prepared.observing(mine), options: .init(threads: threads))
    let y = try Session(quantised, options: .init(threads: threads))
    var result: [String: NoiseSum] = [:]
    var done = 0
    try data.forEachBatch { (batch, rows) throws(EngineError) in
      let a = try x.run(batch)
      let b = try y.run(batch)
      for (layer, p) in known {
        if let exact = a[p.float], let rounded = b[p.quantised] {
          result[layer, default: NoiseSum()].add(exact, rounded)
        }
      }
      done += rows
      progress?(.init(stage: "looking at layers", done: done, total: limit))
      return done < limit
    }
    return result
  }
}

extension [ValueID] {
  /// Each once, in the order of their first places.
  fileprivate func uniqued() -> [ValueID] {
    var seen: Set<ValueID> = []
    return filter { seen.insert($0).inserted }
  }
}
