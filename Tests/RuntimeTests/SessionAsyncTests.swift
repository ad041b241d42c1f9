import DLRun
import Glibc
import Operators
import Synchronization
import Testing

/// Sleeps, and counts how many do at once.
private struct CountingSleep: Operator {
  static let running = Mutex((now: 0, most: 0))

  static let schema = Schema(
    "CountingSleep", domain: "com.example", versions: [1], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)], cases: { [] })
  init(reading a: AttributeReader) throws(EngineError) {}
  func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }
  func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    Prepared(label: "plain") { (m) throws(EngineError) in
      Self.running.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      usleep(10_000)
      m.output(0, Float.self)[0] = 1
      Self.running.withLock { $0.now -= 1 }
    }
  }
}

private final class Tally: Sendable {
  private let value = Atomic(0)
  var count: Int { value.load(ordering: .relaxed) }
  func add() { value.wrappingAdd(1, ordering: .relaxed) }
}

@Suite struct SessionAsyncTests {
  private func code(_ body: () async throws -> Void) async -> EngineError.Code? {
    do {
      try await body()
      return nil
    } catch { return (error as? EngineError)?.code }
  }

  @Test func givesWhatTheBlockingRunGives() async throws {
    let session = try SlowIdentity.session(count: 2)
    let x = try Tensor([1, 2, 3] as [Float])
    let out = try await session.run(["x": x])
    #expect(try out["y"]?.values(as: Float.self) == [1, 2, 3])
    let values = try await session.run(values: ["x": .tensor(x)], outputs: ["v1"])
    #expect(values.names == ["v1"])
    let target = try Tensor([0, 0, 0] as [Float])
    let ordered = try await session.run(ordered: [.tensor(x)], into: [target])
    #expect(ordered.count == 1)
    #expect(try target.values(as: Float.self) == [1, 2, 3])
  }

  @Test func manyTasksRunAtOnce() async throws {
    let queue = try RunQueue(threads: 3)
    let session = try SlowIdentity.session(count: 1, .init(threads: 2, queue: queue))
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for i in 0..<100 {
        group.addTask {
          let out = try await session.run(["x": Tensor([Float(i)])])
          return try out["y"]?.values(as: Float.self) == [Float(i)]
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  /// Runs at once are as many as the queue has threads, and no more.
  @Test func theQueueLimitsRunsAtOnce() async throws {
    let queue = try RunQueue(threads: 2)
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [1]))
    let y = g.addValue("y", Fact(.float32, [1]))
    g.nodes = [.init(type: "CountingSleep", domain: "com.example", inputs: [x], outputs: [y])]
    g.outputs = [y]
    var model = Model(g)
    model.opsets = [("com.example", 1)]
    let session = try Session(
      model,
      options: .init(
        threads: 1, operators: OperatorSet(adding: [CountingSleep.self]), queue: queue))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<12 {
        group.addTask { _ = try await session.run(["x": Tensor([1] as [Float])]) }
      }
      try await group.waitForAll()
    }
    #expect(CountingSleep.running.withLock { $0.most } == 2)
    #expect(queue.threads == 2)
  }

  /// Sleeping runs on more tasks than there are threads of Swift's leave those free.
  @Test func noThreadOfSwiftsIsBlocked() async throws {
    let session = try SlowIdentity.session(
      count: 1000, milliseconds: 300, .init(threads: 1, queue: RunQueue(threads: 2)))
    let control = RunControl()
    let ended = Tally()
    let runs = Task {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<32 {
          group.addTask {
            _ = try? await session.run(["x": Tensor([1] as [Float])], control: control)
            ended.add()
          }
        }
      }
    }
    // With its threads blocked, this could go on only after runs of five minutes had ended.
    for _ in 0..<1000 { await Task.yield() }
    #expect(ended.count == 0)
    control.cancel()
    await runs.value
    #expect(ended.count == 32)
  }

  @Test func cancellingTheTaskEndsTheRun() async throws {
    let session = try SlowIdentity.session(
      count: 1000, milliseconds: 300, .init(threads: 1, queue: RunQueue(threads: 1)))
    let task = Task { try await session.run(["x": Tensor([1] as [Float])]) }
    try await Task.sleep(for: .milliseconds(30))
    task.cancel()
    #expect(await code { _ = try await task.value } == .cancelled)
  }

  @Test func aWaitingRunEndsAtOnce() async throws {
    let queue = try RunQueue(threads: 1)
    let session = try SlowIdentity.session(
      count: 1000, milliseconds: 300, .init(threads: 1, queue: queue))
    let x = try Tensor([1] as [Float])
    let first = Task { try await session.run(["x": x]) }
    try await Task.sleep(for: .milliseconds(20))
    let second = Task { try await session.run(["x": x]) }
    try await Task.sleep(for: .milliseconds(20))
    second.cancel()
    #expect(await code { _ = try await second.value } == .cancelled)
    #expect(!first.isCancelled)
    first.cancel()
    #expect(await code { _ = try await first.value } == .cancelled)
  }

  @Test func aCancelledTaskRunsNothing() async throws {
    let session = try SlowIdentity.session(count: 1000, milliseconds: 300)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await session.run(["x": Tensor([1] as [Float])])
    }
    #expect(await code { _ = try await task.value } == .cancelled)
  }

  @Test func deadlinesHold() async throws {
    let session = try SlowIdentity.session(
      count: 1000, milliseconds: 300, .init(threads: 1, queue: RunQueue(threads: 1)))
    let x = try Tensor([1] as [Float])
    #expect(
      await code {
        _ = try await session.run(["x": x], control: RunControl(timeout: .milliseconds(20)))
      } == .deadline)
    // A deadline that passes while the run waits.
    let first = Task { try await session.run(["x": x], control: RunControl(seconds: 0.1)) }
    try await Task.sleep(for: .milliseconds(10))
    #expect(
      await code {
        _ = try await session.run(["x": x], control: RunControl(timeout: .milliseconds(1)))
      } == .deadline)
    #expect(await code { _ = try await first.value } == .deadline)
  }

  @Test func theCallersControlCancelsToo() async throws {
    let session = try SlowIdentity.session(count: 1000, milliseconds: 300)
    let control = RunControl()
    let task = Task { try await session.run(["x": Tensor([1] as [Float])], control: control) }
    try await Task.sleep(for: .milliseconds(20))
    control.cancel()
    #expect(await code { _ = try await task.value } == .cancelled)
  }

  @Test func errorsComeThrough() async throws {
    let session = try SlowIdentity.session(count: 1)
    #expect(await code { _ = try await session.run(["q": Tensor([1] as [Float])]) } == .usage)
    #expect(await code { _ = try await session.run(["x": Tensor([[1]])]) } == .shape)
    #expect(await code { _ = try await session.run(["x": Tensor([1] as [Int32])]) } == .dtype)
  }

  @Test func queuesEnd() async throws {
    for _ in 0..<50 {
      let session = try SlowIdentity.session(
        count: 1, .init(threads: 1, queue: RunQueue(threads: 2)))
      _ = try await session.run(["x": Tensor([1] as [Float])])
    }
  }

  @Test func wrongNumbersOfThreadsThrow() async {
    #expect(await code { _ = try RunQueue(threads: 0) } == .usage)
    #expect(await code { _ = try RunQueue(threads: -1) } == .usage)
    #expect(await code { _ = try RunQueue(threads: 1 << 40) } == .usage)
  }
}
