import Glibc
import Graphs
import Kernels
import Operators
import Tensors
import Testing

/// The LSTM that keeps what its gradient needs against the one that computes it anew.
@Suite struct LSTMTrainingTests {
  private func wave(_ sizes: [Int], _ phase: Int) throws -> Tensor {
    let shape = Shape(sizes)
    return try Tensor(
      shape: shape, (0..<shape.count).map { 0.3 * Glibc.sinf(Float($0 * 5 + phase)) })
  }

  private func expectEqual(_ a: Tensor, _ b: Tensor, _ what: String) throws {
    #expect(a.type == b.type)
    let scale = a.elements(Float.self).map(\.magnitude).max() ?? 0
    for (x, y) in zip(a.elements(Float.self), b.elements(Float.self)) {
      guard abs(x - y) <= 2e-5 * max(1, scale) else {
        Issue.record("\(what): \(x) and \(y)")
        return
      }
    }
  }

  @Test func equalsTheLayer() throws {
    for (steps, batch, input, hidden) in [(1, 1, 1, 1), (3, 2, 5, 17), (4, 13, 6, 32)] {
      let x = try wave([steps, batch, input], 1)
      let (w, r) = (try wave([1, 4 * hidden, input], 2), try wave([1, 4 * hidden, hidden], 3))
      let (bias, state) = (try wave([1, 8 * hidden], 4), [1, batch, hidden])
      for hasStates in [false, true] {
        let (h, c) = hasStates ? (try wave(state, 5), try wave(state, 6)) : (nil, nil)
        let ups = [try wave([steps, 1, batch, hidden], 7), try wave(state, 8), try wave(state, 9)]
        let eager = Eager()
        let plain = try eager.apply(LSTM(), inputs: [x, w, r, bias, nil, h, c], outputs: 3)
        let kept = try eager.apply(LSTMTraining(), inputs: [x, w, r, bias, h, c], outputs: 5)
        for i in 0..<3 { try expectEqual(plain[i], kept[i], "output \(i)") }
        let anew = try eager.apply(
          LSTMGradient(LSTM()), inputs: [x, w, r, bias, nil, h, c, nil] + ups, outputs: 6)
        let given: [Tensor?] = [x, w, r, bias, h, c, kept[0], kept[3], kept[4]]
        let made = try eager.apply(LSTMTrainingGradient(), inputs: given + ups, outputs: 6)
        for i in 0..<6 { try expectEqual(anew[i], made[i], "gradient \(i)") }
      }
    }
  }

  /// The same bits for any number of threads.
  @Test func threadsAgree() throws {
    let (steps, batch, input, hidden) = (9, 14, 7, 48)
    let inputs: [Tensor?] = [
      try wave([steps, batch, input], 1), try wave([1, 4 * hidden, input], 2),
      try wave([1, 4 * hidden, hidden], 3), nil, nil, nil,
    ]
    let up: [Tensor?] = [try wave([steps, 1, batch, hidden], 4), nil, nil]
    var all: [[[Float]]] = []
    for threads in 1...3 {
      let eager = Eager(
        pool: ThreadPool(threads: threads), options: KernelOptions(threads: threads))
      let kept = try eager.apply(LSTMTraining(), inputs: inputs, outputs: 5)
      let made = try eager.apply(
        LSTMTrainingGradient(), inputs: inputs + [kept[0], kept[3], kept[4]] + up, outputs: 4)
      all.append((kept.array + made.array).map { Array($0.elements(Float.self)) })
    }
    #expect(all[0] == all[1] && all[0] == all[2])
  }
}
