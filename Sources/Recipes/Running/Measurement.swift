import DataSets
import Graphs
import Runtime
import Tensors

/// Runs a saved model on held-out samples as they come.
struct Measurement {
  let problem: Problem

  /// - `output`: which of the model's outputs is measured.
  func report(_ model: ModelGraph, output: Int = 0) throws -> TrainReport {
    let session = try Session(model)
    let size = 256
    var (right, rows): ([Double], [[Double]]) = ([], [])
    var (loss, hits, count) = (0.0, 0, 0)
    var start = 0
    while start < problem.test.count {
      let end = min(start + size, problem.test.count)
      let batch = try problem.test.batch(Array(start..<end))
      let results = try session.run(ordered: batch.inputs.map { .tensor($0) })
      guard results.indices.contains(output), case .tensor(let y)? = results[output],
        let values = y.doubles,
        let answers = batch.targets.first?.doubles
      else { throw EngineError(.internalDefect, "the saved model gave no numbers") }
      let width = y.shape[y.shape.rank - 1]
      if case .characters = problem.goal {
        for (i, answer) in answers.enumerated() {
          let row = values[i * width..<(i + 1) * width]
          let best = row.indices.max { row[$0] < row[$1] } ?? row.startIndex
          if best - row.startIndex == Int(answer) { hits += 1 }
          loss -= logarithm(max(row[row.startIndex + Int(answer)], 1e-12))
          count += 1
        }
      } else {
        right += answers
        for i in answers.indices { rows.append(Array(values[i * width..<(i + 1) * width])) }
      }
      start = end
    }
    switch problem.goal {
    case .classes(let names):
      return TrainReport(classes: names, right: right.map { Int($0) }, probabilities: rows)
    case .number(let name, _, _):
      return TrainReport(name: name, right: right, said: rows.map { $0[0] })
    case .characters(let names):
      return TrainReport(characters: names, count: count, loss: loss, hits: hits)
    }
  }
}
