import CAllocationCounter
import Graphs
import Operators
import Runtime
import Tensors
import Testing

@Suite struct PreparedRunTests {
  private func model() throws -> ModelGraph {
    let b = GraphBuilder()
    let x = b.graph.addInput("x", Fact(.float32, [Dim(symbol: "n"), 3, 8, 8]))
    let w = try b.constant(
      Tensor(shape: [20, 3, 3, 3], (0..<540).map { Float($0 % 17) / 16 - 0.5 }))
    let y = try b.apply(Relu(), try b.apply(Conv(), x, w))
    let pooled = try b.apply(Flatten(axis: 1), try b.apply(GlobalAveragePool(), y))
    let m = try b.constant(Tensor(shape: [20, 5], (0..<100).map { Float($0 % 11) / 8 - 0.5 }))
    let z = try b.apply(MatMul(), pooled, m)
    b.graph.values[z.index].name = "z"
    b.graph.outputs = [z]
    var model = ModelGraph(b.graph)
    model.opsets = [("", 21)]
    return model
  }

  @Test(arguments: [1, 2]) func aSteadyRunTakesNothingFromTheHeap(threads: Int) throws {
    let session = try Session(try model(), options: .init(threads: threads))
    let type = TensorType(.float32, [2, 3, 8, 8])
    let x = try Tensor(shape: type.shape, (0..<384).map { Float($0 % 29) / 8 - 1 })
    let expected = try #require(try session.run(["x": x])[0])
    let prepared = try session.prepared(for: [type])
    #expect(prepared.outputTypes == [TensorType(.float32, [2, 5])])
    let z = try Storage(prepared.outputTypes[0])
    prepared.bindInput(0, x.storage.bytes)
    prepared.bindOutput(0, z.bytes)
    try prepared.run()
    allocation_counter_start()
    for _ in 0..<10 { try prepared.run() }
    let allocations = allocation_counter_stop()
    // Debug builds put on the heap what others keep in registers.
    if allocation_counter_works() != 0, !isDebug { #expect(allocations == 0) }
    #expect(Tensor(z).rawBytes.elementsEqual(expected.rawBytes))
    withExtendedLifetime(x) {}
  }

  @Test func wrongUseIsAnError() throws {
    let session = try Session(try model(), options: .init(threads: 1))
    #expect(throws: EngineError.self) { try session.prepared(for: []) }
    #expect(throws: EngineError.self) { try session.prepared(for: [nil]) }
    #expect(throws: EngineError.self) {
      try session.prepared(for: [TensorType(.float64, [1, 3, 8, 8])])
    }
    let prepared = try session.prepared(for: [TensorType(.float32, [1, 3, 8, 8])])
    #expect(throws: EngineError.self) { try prepared.run() }
  }

  @Test func sizesThatDependOnDataHaveNoPlan() throws {
    let b = GraphBuilder()
    let x = b.graph.addInput("x", Fact(.float32, [4]))
    b.graph.outputs = [try b.apply(NonZero(), x)]
    var model = ModelGraph(b.graph)
    model.opsets = [("", 21)]
    let session = try Session(model)
    #expect(throws: EngineError.self) { try session.prepared(for: [TensorType(.float32, [4])]) }
  }

  private var isDebug: Bool {
    var result = false
    assert(
      {
        result = true
        return true
      }())
    return result
  }
}
