import DLTrain
import Testing

/// Metrics by hand-made figures and, where said, Keras 3.15.1's.
@Suite struct MetricTests {
  private func measure(
    _ metric: Metric, _ batches: [(p: Tensor, t: Tensor)], _ weights: [Tensor?] = []
  ) throws -> Double {
    for (i, b) in batches.enumerated() {
      try metric.update(b.p, b.t, i < weights.count ? weights[i] : nil)
    }
    let result = metric.result
    metric.reset()
    for b in batches { try metric.update(b.p, b.t, nil) }
    if weights.isEmpty { #expect(abs(metric.result - result) < 1e-12) }
    return result
  }

  private let scores = Result {
    try Tensor([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])
  }

  @Test func accuracies() throws {
    let p = try scores.get()
    let t = try Tensor([1, 2, 2] as [Int64])
    #expect(abs(try measure(.accuracy, [(p, t)]) - 2.0 / 3) < 1e-12)
    #expect(abs(try measure(.sparseCategoricalAccuracy, [(p, t), (p, t)]) - 2.0 / 3) < 1e-12)
    #expect(abs(try measure(.categoricalAccuracy, [(p, t.oneHot(3))]) - 2.0 / 3) < 1e-12)
    #expect(abs(try measure(.accuracy, [(p, t.oneHot(3))]) - 2.0 / 3) < 1e-12)
    let weights = try Tensor([1, 0, 3] as [Float])
    #expect(try measure(.accuracy, [(p, t)], [weights]) == 1)
    let two = try Tensor(shape: [4, 1], [0.9, 0.2, 0.6, 0.4] as [Float])
    #expect(try measure(.accuracy, [(two, Tensor([1, 0, 0, 1] as [Int64]))]) == 0.5)
    #expect(try measure(.topK(2), [(p, t)]) == 2.0 / 3)
    #expect(try measure(.topK(3), [(p, t)]) == 1)
    #expect(try measure(.topK(1), [(p, t.oneHot(3))]) == 2.0 / 3)
  }

  @Test func countsOfTwoClasses() throws {
    let p = try Tensor([0.9, 0.8, 0.3, 0.2, 0.7, 0.6] as [Float])
    let t = try Tensor([1, 0, 1, 0, 1, 0] as [Float])
    #expect(try measure(.precision, [(p, t)]) == 0.5)
    #expect(abs(try measure(.recall, [(p, t)]) - 2.0 / 3) < 1e-12)
    #expect(abs(try measure(Specificity(), [(p, t)]) - 1.0 / 3) < 1e-12)
    let column = try p.expandDims(at: 1)
    #expect(abs(try measure(.f1, [(column, t)]) - 4.0 / 7) < 1e-12)
    // 9 pairs, of which 6 are in the right order.
    #expect(abs(try measure(.auc, [(p, t)]) - 6.0 / 9) < 1e-12)
    #expect(try measure(.auc, [(p * 0, t)]) == 0.5)
    #expect(try measure(.precision, [(p * 0, t)]) == 0)
  }

  @Test func severalClasses() throws {
    let p = try scores.get()
    let t = try Tensor([1, 2, 2] as [Int64])
    // Classes 0, 1, 2 have 0, 1 and 2/3.
    #expect(abs(try measure(.f1, [(p, t)]) - (0 + 1 + 2.0 / 3) / 3) < 1e-12)
    #expect(
      abs(try measure(F1Score(averaging: .micro), [(p, t.oneHot(3))]) - 2.0 / 3) < 1e-12)
    #expect(abs(try measure(.meanIoU(3), [(p, t)]) - (0 + 1 + 0.5) / 3) < 1e-12)
  }

  @Test func errorsOfNumbers() throws {
    let p = try Tensor(shape: [4, 1], [1, 2, 3, 5] as [Float])
    let t = try Tensor([1, 2, 4, 3] as [Float])
    #expect(abs(try measure(.meanSquaredError, [(p, t)]) - 1.25) < 1e-6)
    #expect(abs(try measure(.meanAbsoluteError, [(p, t), (p, t)]) - 0.75) < 1e-6)
    #expect(abs(try measure(.rootMeanSquaredError, [(p, t)]) - 1.25.squareRoot()) < 1e-6)
    // Keras: R2Score 0.0, PearsonCorrelation 0.6803361.
    #expect(abs(try measure(.r2, [(p, t)])) < 1e-9)
    #expect(abs(try measure(.pearson, [(p, t)]) - 0.6803361) < 1e-6)
    let weights = try Tensor([0, 0, 1, 1] as [Float])
    #expect(abs(try measure(.meanSquaredError, [(p, t)], [weights]) - 2.5) < 1e-6)
    #expect(throws: EngineError.self) { try measure(.r2, [(p, Tensor([1] as [Float]))]) }
    let row = try Tensor([[3, 4], [1, 0]])
    #expect(abs(try measure(.cosineSimilarity, [(row, Tensor([[3, 4], [0, 1]]))]) - 0.5) < 1e-6)
  }
}
