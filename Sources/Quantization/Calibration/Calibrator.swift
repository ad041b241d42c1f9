import Compiler
import Graphs
import Runtime
import Tensors

/// Runs a prepared model on calibration data and looks at values inside it.
///
/// A batch's values are looked at and let go: memory holds one batch and what is counted.
struct Calibrator {
  let prepared: PreparedModel
  let threads: Int?
  let progress: QuantizationProgress.Observer?

  /// What is asked for.
  struct Wanted {
    var ranges: Set<ValueID> = []
    var maxima: Set<ValueID> = []
    /// With the axis of the channels.
    var means: [ValueID: Int] = [:]
    var hessians: Set<ValueID> = []

    var all: Set<ValueID> {
      ranges.union(maxima).union(means.keys).union(hessians)
    }
  }

  /// NaN may stand in inputs that the model itself asks for them.
  ///
  /// Errors: `.value` for NaN or infinities among inputs or in a value that is asked for; `.shape`
  /// and others where the data do not fit the model; `.usage` where there are no rows.
  func run(
    _ data: some CalibrationData, _ wanted: Wanted, stage: String = "calibrating"
  ) throws(EngineError) -> Calibration {
    let graph = prepared.graph
    let values = wanted.all.sorted { $0.index < $1.index }
    let inputs = Set(graph.inputs)
    let inside = values.filter { !inputs.contains($0) }
    let names = inside.map { graph.name($0) }
    let session = try Session(
      prepared.observing(inside.isEmpty ? graph.outputs : inside), options: .init(threads: threads))
    let missing = prepared.inputsWithGaps
    var found = Calibration()
    for (id, axis) in wanted.means { found.means[id] = ChannelMeans(axis: axis) }
    for id in wanted.hessians { found.hessians[id] = try Hessian(threads: threads) }
    try data.forEachBatch { (batch, rows) throws(EngineError) in
      for (name, t) in batch.sorted(by: { $0.key < $1.key }) {
        if !missing.contains(name) { try Self.check(t, name, row: found.rows) }
      }
      // Even with nothing to look at, the data must fit the model.
      let results = try session.run(batch, outputs: inside.isEmpty ? nil : names)
      for id in values {
        guard let t = inputs.contains(id) ? batch[graph.name(id)] : results[graph.name(id)] else {
          continue
        }
        try look(at: t, id, wanted, &found)
      }
      found.rows += rows
      progress?(.init(stage: stage, done: found.rows, total: nil))
      return true
    }
    guard found.rows > 0 else {
      throw EngineError(.usage, "there are no rows to calibrate on", expected: "1 or more")
    }
    return found
  }

  private func look(
    at t: Tensor, _ id: ValueID, _ wanted: Wanted, _ found: inout Calibration
  ) throws(EngineError) {
    if wanted.ranges.contains(id) {
      found.ranges[id, default: Observation()].add(t)
      if let odd = found.ranges[id]?.histogram.oddities, odd > 0 {
        throw EngineError(
          .value,
          "value '\(prepared.graph.name(id))' has NaN or infinities on the calibration data",
          expected: "finite numbers", received: "\(odd) others",
          hint: "exclude the layers that take it, or look at the data")
      }
    }
    if wanted.maxima.contains(id), let width = t.shape.array.last, width > 0 {
      var list = found.maxima[id] ?? [Float](repeating: 0, count: width)
      guard list.count == width else { return }
      for (i, x) in t.elements(Float.self).enumerated() {
        list[i % width] = max(list[i % width], abs(x))
      }
      found.maxima[id] = list
    }
    found.means[id]?.add(t)
    try found.hessians[id]?.add(t)
  }

  private static func check(_ t: Tensor, _ name: String, row: Int) throws(EngineError) {
    guard t.dtype == .float32 else { return }
    let width = t.shape.rank > 0 && t.shape[0] > 0 ? max(1, t.count / t.shape[0]) : max(1, t.count)
    let bad = t.elements(Float.self).withContiguousStorageIfAvailable { x in
      x.firstIndex { !$0.isFinite }
    }
    if let bad = bad.flatMap({ $0 }) {
      throw EngineError(
        .value, "the calibration data for input '\(name)' hold NaN or infinities",
        expected: "finite numbers",
        received: "\(t.elements(Float.self)[bad]) in row \(row + bad / width + 1)")
    }
  }
}
