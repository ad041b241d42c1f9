import Tensors

extension Trainer {
  /// A compiled graph, and what it depends on besides the number of samples.
  struct Entry<Run> {
    /// A batch that it was made with.
    private let example: [Tensor]
    private let inputCount: Int
    private let hasWeights: Bool
    /// Results behind the outputs.
    private let means: [BatchMean]
    let run: Run

    init(_ batch: Batch, _ means: [BatchMean], _ run: Run) {
      example = batch.tensors
      inputCount = batch.inputs.count
      hasWeights = batch.weights != nil
      self.means = means
      self.run = run
    }

    func fits(_ batch: Batch) -> Bool {
      guard batch.inputs.count == inputCount, (batch.weights != nil) == hasWeights else {
        return false
      }
      var i = 0
      for t in batch.inputs {
        guard i < example.count, isAlike(t, example[i]) else { return false }
        i += 1
      }
      for t in batch.targets {
        guard i < example.count, isAlike(t, example[i]) else { return false }
        i += 1
      }
      return i + (hasWeights ? 1 : 0) == example.count
    }

    private func isAlike(_ a: Tensor, _ b: Tensor) -> Bool {
      guard a.dtype == b.dtype, a.shape.rank == b.shape.rank else { return false }
      for axis in 1..<max(a.shape.rank, 1) where a.shape[axis] != b.shape[axis] { return false }
      return true
    }

    /// The graph's results behind the loss as outputs and means.
    func outcome(_ loss: Double, _ results: ArraySlice<Tensor>) -> StepOutcome {
      StepOutcome(loss: loss, results: results, means: means)
    }
  }
}

extension Batch {
  /// The same parts with other tensors in place of this batch's.
  func with(_ all: [Tensor]) -> Batch {
    let (n, m) = (inputs.count, targets.count)
    return Batch(
      Array(all[..<n]), Array(all[n..<n + m]), weights: weights.flatMap { _ in all.last })
  }
}
