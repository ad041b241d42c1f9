import DLRun
import DLRunObservability
import Logging
import Testing

@Suite struct SessionReporterTests {
  private let logs = LogStore()
  private let metrics = MetricStore()

  /// `y = x x`, by a node named `product`.
  private func session(
    _ level: Logger.Level = .trace, checksNaN: Bool = false
  ) throws -> Session {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "n"), Dim(symbol: "n")]))
    let y = g.addValue("y", Fact(.float32, nil))
    g.nodes = [.init(name: "product", type: "MatMul", inputs: [x, x], outputs: [y])]
    g.outputs = [y]
    var model = Model(g)
    model.opsets = [("", 17)]
    let reporter = SessionReporter(model: "square", logger: logs.logger(level), metrics: metrics)
    return try Session(
      model, options: .init(threads: 1, checksNaN: checksNaN, observer: reporter.report))
  }

  @Test func aGoodRun() throws {
    let session = try session()
    _ = try session.run(["x": Tensor([[2]])])
    _ = try session.run(["x": Tensor([[3]])])
    #expect(
      logs.lines.map(\.message) == ["model loaded", "plan made", "run finished", "run finished"])
    #expect(logs.lines.map(\.level) == [.info, .debug, .trace, .trace])
    #expect(logs.lines.allSatisfy { $0.metadata["model"] == "square" })
    #expect(logs.lines[0].metadata["nodes"] == "1")
    #expect(metrics["dlrun_runs_total{model=square}"] == [1, 1])
    #expect(metrics["dlrun_plans_total{model=square}"] == [1])
    #expect(metrics["dlrun_run_duration{model=square}"].count == 2)
    #expect(metrics["dlrun_load_duration{model=square}"].allSatisfy { $0 > 0 })
    #expect(metrics["dlrun_weight_bytes{model=square}"] == [0])
    #expect(metrics["dlrun_plan_peak_bytes{model=square}"].allSatisfy { $0 > 0 })
    #expect(!metrics.names.contains { $0.contains("failures") })
  }

  @Test func aFailedRun() throws {
    let session = try session(checksNaN: true)
    #expect(throws: EngineError.self) { try session.run(["x": Tensor([[.nan]])]) }
    let line = try #require(logs.lines.last)
    #expect(line.message == "run failed")
    #expect(line.level == .warning)
    #expect(line.metadata["code"] == "value")
    #expect(line.metadata["node"] == "product")
    #expect(line.metadata["operator"] == "MatMul")
    #expect(metrics["dlrun_run_failures_total{model=square,code=value}"] == [1])
    #expect(metrics["dlrun_runs_total{model=square}"] == [1])
  }

  @Test func lateAndCancelledRunsAreNoWarnings() throws {
    let session = try session()
    #expect(throws: EngineError.self) {
      try session.run(["x": Tensor([[1]])], control: RunControl(seconds: 0))
    }
    let control = RunControl()
    control.cancel()
    #expect(throws: EngineError.self) { try session.run(["x": Tensor([[1]])], control: control) }
    #expect(logs.lines.suffix(2).map(\.level) == [.info, .info])
    #expect(metrics["dlrun_run_failures_total{model=square,code=deadline}"] == [1])
    #expect(metrics["dlrun_run_failures_total{model=square,code=cancelled}"] == [1])
  }

  @Test func theLoggersLevelHolds() throws {
    let session = try session(.warning)
    _ = try session.run(["x": Tensor([[2]])])
    #expect(logs.lines.isEmpty)
    #expect(metrics["dlrun_runs_total{model=square}"] == [1])
  }
}
