import Graphs
import Operators
import Tensors
import Testing

@Suite struct EmbeddingBagTests {
  private func run(
    _ op: EmbeddingBag, list: [Int64], starts: [Int64], ends: [Int64], factors: [Float]? = nil
  ) throws -> [Float] {
    let table = try Tensor(shape: [3, 2], [1, 2, 3, 4, 5, -6] as [Float])
    var inputs = [table, try Tensor(list), try Tensor(starts), try Tensor(ends)]
    if let factors { inputs.append(try Tensor(factors)) }
    return try Eager().apply(op, inputs: inputs).elements(Float.self).map { $0 }
  }

  /// Worked out by hand.
  @Test func sumsMeansAndLargestElements() throws {
    let (list, starts, ends): ([Int64], [Int64], [Int64]) = ([0, 2, -1, 1], [0, 2], [2, 9])
    #expect(try run(EmbeddingBag(.sum), list: list, starts: starts, ends: ends) == [6, -4, 8, -2])
    #expect(try run(EmbeddingBag(.mean), list: list, starts: starts, ends: ends) == [3, -2, 4, -1])
    #expect(try run(EmbeddingBag(.max), list: list, starts: starts, ends: ends) == [5, 2, 5, 4])
    let scaled = try run(
      EmbeddingBag(.sum), list: list, starts: starts, ends: ends, factors: [2, 1, 0.5, -1])
    #expect(scaled == [7, -2, -0.5, -7])
  }

  @Test func emptyBags() throws {
    #expect(try run(EmbeddingBag(.sum), list: [1], starts: [1], ends: [1]) == [0, 0])
    #expect(try run(EmbeddingBag(.mean), list: [1], starts: [1], ends: [0]).allSatisfy(\.isNaN))
    let least = try run(EmbeddingBag(.max), list: [1], starts: [.max], ends: [.min])
    #expect(least == [-.infinity, -.infinity])
  }

  @Test func anIndexOutsideOfTheTable() {
    for index: Int64 in [3, -4, .min] {
      let error = #expect(throws: EngineError.self) {
        try run(EmbeddingBag(.sum), list: [index], starts: [0], ends: [1])
      }
      #expect(error?.code == .value)
    }
  }
}
