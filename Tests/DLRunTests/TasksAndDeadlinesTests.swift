import DLRun
import Testing

/// The code of the manual's page TasksAndDeadlines.
@Suite struct TasksAndDeadlinesTests {
  @Test func manyTasks() async throws {
    let session = try Iris.session()
    let rows: [[Float]] = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [4.9, 3.0, 1.4, 0.2]]

    let labels = try await withThrowingTaskGroup(of: (Int, Int64?).self) { group in
      for (i, row) in rows.enumerated() {
        group.addTask {
          let outputs = try await session.run(["features": Tensor([row])])
          return (i, outputs["label"]?.elements(Int64.self).first)
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }

    #expect(labels == [0: 0, 1: 2, 2: 0])
  }

  @Test func deadlines() async throws {
    let session = try Iris.session()
    let inputs = ["features": try Tensor([[5.1, 3.5, 1.4, 0.2]])]

    let outputs = try await session.run(inputs, control: RunControl(timeout: .seconds(5)))

    #expect(outputs.count == 2)
    #expect(
      await code {
        _ = try await session.run(inputs, control: RunControl(timeout: .zero))
      } == .deadline)
  }

  @Test func cancellation() async throws {
    let session = try Iris.session()
    let inputs = ["features": try Tensor([[5.1, 3.5, 1.4, 0.2]])]

    let everything = RunControl()
    let control = try RunControl(timeout: .seconds(5), parent: everything)
    everything.cancel()
    let result = Result { try session.run(inputs, control: control) }

    #expect(await code { _ = try result.get() } == .cancelled)
  }

  @Test func queues() async throws {
    let inputs = ["features": try Tensor([[5.1, 3.5, 1.4, 0.2]])]
    let model = try Model(contentsOf: Iris.path)

    let queue = try RunQueue(threads: 2)
    let session = try Session(model, options: .init(threads: 1, queue: queue))

    #expect(try await session.run(inputs).count == 2)
  }

  @Test func blocking() async throws {
    let session = try Iris.session()

    func label(_ features: Tensor) throws -> Int64? {
      try session.run(["features": features])["label"]?.elements(Int64.self).first
    }

    #expect(try label(Tensor([[5.1, 3.5, 1.4, 0.2]])) == 0)
  }
}
