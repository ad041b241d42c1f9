import Graphs
import Operators
import Runtime
import Tensors
import Testing

/// Slices whose places are made of data, so that they are cut without a plan.
@Suite struct DynamicSliceTests {
  private static let sizes = [4, 5, 6]

  private func session(_ count: Int) throws -> Session {
    let b = GraphBuilder()
    let x = b.graph.addInput("x", Fact(.float32, Self.sizes.map { Dim($0) }))
    var ids: [ValueID?] = [x]
    for name in ["starts", "ends", "axes", "steps"].prefix(count) {
      let given = b.graph.addInput(name, Fact(.float32, [Dim(symbol: "n")]))
      ids.append(try b.apply(Cast(to: .int64), given))
    }
    b.graph.outputs = [try b.apply(Slice(), inputs: ids)]
    var model = ModelGraph(b.graph)
    model.opsets = [("", 21)]
    return try Session(model, options: .init(threads: 1))
  }

  private func run(_ lists: [[Float]]) throws -> Tensor {
    let x = try Tensor(shape: Shape(Self.sizes), (0..<120).map { Float($0) })
    var inputs = ["x": x]
    for (name, list) in zip(["starts", "ends", "axes", "steps"], lists) {
      inputs[name] = try Tensor(list)
    }
    return try #require(try session(lists.count).run(inputs)[0])
  }

  /// The same by index.
  private func expected(_ cuts: [[Int]]) -> [Float] {
    cuts[0].flatMap { i in
      cuts[1].flatMap { j in cuts[2].map { Float((i * 5 + j) * 6 + $0) } }
    }
  }

  @Test func stretchesAndOthers() throws {
    let all = (0..<4, 0..<5, 0..<6)
    let cases: [(lists: [[Float]], cuts: [[Int]])] = [
      ([[1], [3]], [[1, 2], Array(all.1), Array(all.2)]),
      ([[-2], [99]], [[2, 3], Array(all.1), Array(all.2)]),
      ([[1, 2], [2, 4]], [[1], [2, 3], Array(all.2)]),
      ([[2, 3], [5, 4], [2, 0]], [[3], Array(all.1), [2, 3, 4]]),
      ([[3, 1, 4], [4, 2, -1], [0, 1, -1]], [[3], [1], [4]]),
      ([[2], [5], [-1]], [Array(all.0), Array(all.1), [2, 3, 4]]),
      ([[2], [3], [-1]], [Array(all.0), Array(all.1), [2]]),
      ([[1], [2], [1]], [Array(all.0), [1], Array(all.2)]),
      ([[5], [2], [1]], [Array(all.0), [], Array(all.2)]),
      ([[0], [5], [1], [2]], [Array(all.0), [0, 2, 4], Array(all.2)]),
      ([[-1], [-9], [0], [-1]], [[3, 2, 1, 0], Array(all.1), Array(all.2)]),
    ]
    for c in cases {
      let y = try run(c.lists)
      #expect(y.shape == Shape(c.cuts.map(\.count)), "\(c.lists)")
      #expect(Array(y.elements(Float.self)) == expected(c.cuts), "\(c.lists)")
    }
  }

  @Test func wrongListsAreErrors() throws {
    for lists: [[Float]] in [
      [[0, 1], [1]], [[0], [1], [3]], [[0, 0], [1, 1], [1, 1]], [[0], [1], [-4]],
      [[0], [1], [0], [0]], [[0, 0, 0, 0], [1, 1, 1, 1]],
    ] {
      #expect(throws: EngineError.self, "\(lists)") { try run(lists) }
    }
  }
}
