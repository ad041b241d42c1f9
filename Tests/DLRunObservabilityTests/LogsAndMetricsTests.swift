import DLRun
import DLRunObservability
import Testing

/// The code of the manual's page LogsAndMetrics.
@Suite struct LogsAndMetricsTests {
  private let model = Model(Graph())

  @Test func reporting() throws {
    let logs = LogStore()
    let logger = logs.logger()

    let reporter = SessionReporter(model: "iris", logger: logger)
    let session = try Session(model, options: .init(observer: reporter.report))

    _ = try session.run([String: Tensor]())
    #expect(logs.lines.first?.message == "model loaded")
  }

  @Test func observing() throws {
    let session = try Session(
      model,
      options: .init(observer: { event in
        if case .failed(let error, _) = event { print(error) }
      }))

    #expect(try session.run([String: Tensor]()).count == 0)
  }
}
