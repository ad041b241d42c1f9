import Graphs
import Logging
import Metrics
import Runtime
import Tensors

/// Turns what sessions tell their observers into log lines and metrics.
///
/// ```swift
/// let reporter = SessionReporter(model: "iris", logger: logger)
/// let session = try Session(model, options: .init(observer: reporter.report))
/// ```
///
/// | event | log line | level | metrics, all with the dimension `model` |
/// |---|---|---|---|
/// | loaded | `model loaded` | info | timer `dlrun_load_duration`, gauge `dlrun_weight_bytes` |
/// | planned | `plan made` | debug | timer `dlrun_plan_duration`, counter `dlrun_plans_total`, gauge `dlrun_plan_peak_bytes` |
/// | finished | `run finished` | trace | timer `dlrun_run_duration`, counter `dlrun_runs_total` |
/// | failed | `run failed` | warning; info when cancelled or late | timer `dlrun_run_duration`, counters `dlrun_runs_total` and `dlrun_run_failures_total`, the latter with the dimension `code` |
///
/// The lines carry durations in nanoseconds and the parts of an error as metadata; values of
/// tensors are never written. A finished run costs the metrics backend's own time and, where the
/// logger's level is above trace, nothing for the log.
public struct SessionReporter: Sendable {
  private let model: String
  private let logger: Logger
  private let factory: any MetricsFactory
  private let runs: Counter
  private let runDuration: Metrics.Timer
  private let plans: Counter
  private let planDuration: Metrics.Timer
  private let planPeakBytes: Gauge

  /// - `model`: the name that lines and metrics carry.
  /// - `metrics`: nil for the factory that the program gave to `MetricsSystem`.
  public init(model: String, logger: Logger, metrics: (any MetricsFactory)? = nil) {
    self.model = model
    var logger = logger
    logger[metadataKey: "model"] = "\(model)"
    self.logger = logger
    let factory = metrics ?? MetricsSystem.factory
    self.factory = factory
    let dimensions = [("model", model)]
    runs = Counter(label: "dlrun_runs_total", dimensions: dimensions, factory: factory)
    runDuration = Timer(label: "dlrun_run_duration", dimensions: dimensions, factory: factory)
    plans = Counter(label: "dlrun_plans_total", dimensions: dimensions, factory: factory)
    planDuration = Timer(label: "dlrun_plan_duration", dimensions: dimensions, factory: factory)
    planPeakBytes = Gauge(
      label: "dlrun_plan_peak_bytes", dimensions: dimensions, factory: factory)
  }

  /// Takes one event; for `SessionOptions.observer`. May be called from any thread.
  @Sendable public func report(_ event: SessionEvent) {
    switch event {
    case .loaded(let nodes, let weightBytes, let nanoseconds):
      let dimensions = [("model", model)]
      Timer(label: "dlrun_load_duration", dimensions: dimensions, factory: factory)
        .recordNanoseconds(Int64(clamping: nanoseconds))
      Gauge(label: "dlrun_weight_bytes", dimensions: dimensions, factory: factory)
        .record(weightBytes)
      logger.info(
        "model loaded",
        metadata: [
          "nodes": "\(nodes)", "weight_bytes": "\(weightBytes)", "nanoseconds": "\(nanoseconds)",
        ])
    case .planned(let inputs, let peakBytes, let nanoseconds):
      plans.increment()
      planDuration.recordNanoseconds(Int64(clamping: nanoseconds))
      planPeakBytes.record(peakBytes)
      logger.debug(
        "plan made",
        metadata: [
          "inputs": .array(inputs.map { "\($0.map { "\($0)" } ?? "-")" }),
          "peak_bytes": "\(peakBytes)", "nanoseconds": "\(nanoseconds)",
        ])
    case .finished(let nanoseconds):
      runs.increment()
      runDuration.recordNanoseconds(Int64(clamping: nanoseconds))
      logger.trace("run finished", metadata: ["nanoseconds": "\(nanoseconds)"])
    case .failed(let error, let nanoseconds):
      runs.increment()
      runDuration.recordNanoseconds(Int64(clamping: nanoseconds))
      Counter(
        label: "dlrun_run_failures_total",
        dimensions: [("model", model), ("code", error.code.rawValue)], factory: factory
      ).increment()
      // A client who gave up, or was slow, is no fault of the service.
      let isExpected = error.code == .cancelled || error.code == .deadline
      var metadata: Logger.Metadata = [
        "code": "\(error.code.rawValue)", "error": "\(error)", "nanoseconds": "\(nanoseconds)",
      ]
      if let node = error.subject.node { metadata["node"] = "\(node)" }
      if let name = error.subject.operatorName { metadata["operator"] = "\(name)" }
      logger.log(level: isExpected ? .info : .warning, "run failed", metadata: metadata)
    }
  }
}
