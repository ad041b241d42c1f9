import DLRun
import Operators
import TestSupport
import Testing

@Suite struct SessionTests {
  /// `y = relu(x W)`, `z = y + y`, with a batch of any size.
  private func model() throws -> Model {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "batch"), 2]))
    let w = g.addInitializer("w", try Tensor([[1, -2, 3], [4, 5, -6]]))
    let p = g.addValue("p", Fact(.float32, nil))
    let y = g.addValue("y", Fact(.float32, nil))
    let z = g.addValue("z", Fact(.float32, nil))
    g.nodes = [
      .init(name: "product", type: "MatMul", inputs: [x, w], outputs: [p]),
      .init(name: "relu", type: "Relu", inputs: [p], outputs: [y]),
      .init(name: "sum", type: "Add", inputs: [y, y], outputs: [z]),
    ]
    g.outputs = [z]
    var model = Model(g)
    model.opsets = [("", 17)]
    return model
  }

  @Test func runsAtSeveralBatchSizes() throws {
    let session = try Session(model(), options: .init(threads: 1))
    for _ in 0..<2 {
      let one = try session.run(["x": Tensor([[1, 1]])])
      #expect(try difference(#require(one["z"]), Tensor([[10, 6, 0]])) == nil)
      let two = try session.run(["x": Tensor([[1, 1], [1, 0]])])
      #expect(try difference(#require(two["z"]), Tensor([[10, 6, 0], [2, 0, 6]])) == nil)
    }
  }

  @Test func givesIntermediateValuesOnRequest() throws {
    let session = try Session(model(), options: .init(threads: 1))
    let r = try session.run(["x": Tensor([[1, 1]])], outputs: ["p", "z"])
    #expect(try difference(#require(r["p"]), Tensor([[5, 3, -3]])) == nil)
    #expect(r.count == 2)
  }

  @Test func resultsOutliveLaterRuns() throws {
    let session = try Session(model(), options: .init(threads: 1))
    let first = try session.run(["x": Tensor([[1, 1]])], outputs: ["y", "z"])
    for i in 0..<10 { _ = try session.run(["x": Tensor([[Float(i), 2]])], outputs: ["y", "z"]) }
    #expect(try difference(#require(first["y"]), Tensor([[5, 3, 0]])) == nil)
    #expect(try difference(#require(first["z"]), Tensor([[10, 6, 0]])) == nil)
  }

  @Test func manyTasksRunAtOnce() async throws {
    let session = try Session(model(), options: .init(threads: 2))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for k in 0..<8 {
        group.addTask {
          for i in 0..<200 {
            let r = try await session.run(["x": Tensor([[Float(i + k), 0]])])
            #expect(r["z"]?.elements(Float.self)[0] == Float(2 * (i + k)))
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private func code(_ body: () throws -> Void) -> EngineError.Code? {
    do {
      try body()
      return nil
    } catch { return (error as? EngineError)?.code }
  }

  @Test func wrongUseThrows() throws {
    let session = try Session(model(), options: .init(threads: 1))
    #expect(code { _ = try session.run([String: Tensor]()) } == .usage)
    #expect(code { _ = try session.run(["q": Tensor([[1, 1]])]) } == .usage)
    #expect(code { _ = try session.run(["x": Tensor([[1, 1, 1]])]) } == .shape)
    #expect(code { _ = try session.run(["x": Tensor([1, 2] as [Int64])]) } == .dtype)
    #expect(code { _ = try session.run(["x": Tensor([[1, 1]])], outputs: ["no"]) } == .usage)
  }

  @Test func cancelledAndLateRunsEnd() throws {
    let session = try Session(model(), options: .init(threads: 1))
    let control = RunControl()
    control.cancel()
    #expect(code { _ = try session.run(["x": Tensor([[1, 1]])], control: control) } == .cancelled)
    let late = try RunControl(seconds: 0)
    #expect(code { _ = try session.run(["x": Tensor([[1, 1]])], control: late) } == .deadline)
  }

  @Test func budgetIsKept() throws {
    let session = try Session(model(), options: .init(threads: 1, maxMemoryBytes: 4096))
    #expect(code { _ = try session.run(["x": Tensor([[1, 1]])]) } == nil)
    let large = try Tensor(shape: [10000, 2], [Float](repeating: 1, count: 20000))
    #expect(code { _ = try session.run(["x": large]) } == .budget)
  }

  @Test func nanIsNamed() throws {
    let session = try Session(model(), options: .init(threads: 1, checksNaN: true))
    do {
      _ = try session.run(["x": Tensor([[.nan, 1]])])
      Issue.record("no error")
    } catch {
      #expect(error.subject.node == "product")
    }
  }

  @Test func profileNamesEveryNode() throws {
    let session = try Session(model(), options: .init(threads: 1, optimization: .basic))
    let profiler = Profiler()
    _ = try session.run(["x": Tensor([[1, 1]])], profiler: profiler)
    #expect(profiler.events.map(\.node) == ["product", "relu", "sum"])
    #expect(profiler.chromeTrace().contains("\"traceEvents\""))
  }
}

@Suite struct LentMemoryTests {
  /// An output that is an input under another name must not point to the caller's memory.
  @Test func outputsDoNotPointIntoTheCallersMemory() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [2]))
    let y = g.addValue("y", Fact(.float32, nil))
    g.nodes = [.init(name: "same", type: "Identity", inputs: [x], outputs: [y])]
    g.outputs = [y]
    var model = Model(g)
    model.opsets = [("", 17)]
    let session = try Session(model, options: .init(threads: 1))
    var numbers: [Float] = [1, 2]
    let output = try numbers.withUnsafeMutableBytes { bytes -> Tensor in
      let base = try #require(bytes.baseAddress)
      let lent = Tensor(Storage(TensorType(.float32, [2]), borrowing: base, owner: nil))
      return try #require(try session.run(["x": lent])["y"])
    }
    numbers[0] = 7
    #expect(Array(output.elements(Float.self)) == [1, 2])
  }
}
