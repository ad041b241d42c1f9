import Kernels
import Tensors
import Testing

@Suite struct BroadcastPlanTests {
  /// The place in an input of the output element at `place`, by the definition of broadcasting.
  private func source(_ place: Int, _ output: Shape, _ input: Shape) -> Int {
    var rest = place
    var at = 0
    var stride = 1
    for back in 0..<output.rank {
      let size = output[output.rank - 1 - back]
      let i = rest % size
      rest /= size
      guard back < input.rank else { continue }
      let n = input[input.rank - 1 - back]
      if n != 1 { at += i * stride }
      stride *= n
    }
    return at
  }

  static let shapes: [[[Int]]] = [
    [[2, 3, 4], [2, 3, 4], [4], [3, 1]],
    [[2, 3, 4, 5], [2, 1, 4, 1], [3, 1, 5], [1, 1, 1, 1]],
    [[], [], [], []],
    [[1, 1], [1], [], [1, 1]],
    [[7], [7], [1], []],
    [[0, 3], [0, 3], [3], [1]],
    [[3, 0], [3, 1], [1], [0]],
    [
      [2, 2, 2, 2, 2, 2, 2, 2], [2, 1, 2, 1, 2, 1, 2, 1], [1, 2, 1, 2, 1, 2, 1, 2], [2, 1, 1, 1],
    ],
    // Several pieces, whose borders fall inside runs.
    [[3, 211, 157], [211, 1], [157], [3, 1, 157]],
    [[40000, 2], [40000, 1], [2], [1]],
  ]

  @Test(arguments: shapes) func visitsEveryElementOnce(_ s: [[Int]]) throws {
    let output = Shape(s[0])
    let inputs = s[1...].map { Shape($0) }
    let plan = try BroadcastPlan(output: output, inputs: Few(inputs[0], inputs[1], inputs[2]))
    var seen = [Int](repeating: 0, count: output.count)
    var wrong = 0
    plan.forEachElement { y, a, b, c in
      seen[y] += 1
      if a != source(y, output, inputs[0]) || b != source(y, output, inputs[1])
        || c != source(y, output, inputs[2])
      {
        wrong += 1
      }
    }
    #expect(wrong == 0)
    #expect(seen.allSatisfy { $0 == 1 })
  }

  @Test func mergesAxes() throws {
    let whole = try BroadcastPlan(output: [2, 3, 4], inputs: Few([2, 3, 4], [1, 1, 1]))
    #expect(whole.inner == 24 && whole.stride(0) == 1 && whole.stride(1) == 0)
    let bias = try BroadcastPlan(output: [2, 3, 4, 5], inputs: Few([2, 3, 4, 5], [3, 1, 1]))
    #expect(bias.inner == 20 && bias.stride(0) == 1 && bias.stride(1) == 0)
  }

  @Test func refusesOtherShapes() {
    for bad: Shape in [[2], [4, 3], [1, 1, 3]] {
      let error = #expect(throws: EngineError.self) {
        try BroadcastPlan(output: [5, 3], inputs: Few(bad))
      }
      #expect(error?.code == .shape)
    }
  }
}
