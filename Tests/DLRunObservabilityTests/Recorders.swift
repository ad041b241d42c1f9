import CoreMetrics
import Logging
import Synchronization

/// Keeps what is logged.
final class LogStore: Sendable {
  struct Line: Sendable {
    let level: Logger.Level
    let message: String
    let metadata: Logger.Metadata
  }
  private let stored = Mutex<[Line]>([])
  var lines: [Line] { stored.withLock { $0 } }

  func logger(_ level: Logger.Level = .trace) -> Logger {
    var logger = Logger(label: "test") { _ in Handler(store: self) }
    logger.logLevel = level
    return logger
  }

  private struct Handler: LogHandler {
    let store: LogStore
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { $1 }
      store.stored.withLock {
        $0.append(Line(level: event.level, message: "\(event.message)", metadata: all))
      }
    }
  }
}

/// Keeps what is measured, under `label{name=value,...}`.
final class MetricStore: MetricsFactory {
  private let stored = Mutex<[String: [Double]]>([:])
  subscript(name: String) -> [Double] { stored.withLock { $0[name] ?? [] } }
  var names: [String] { stored.withLock { $0.keys.sorted() } }

  private final class Handler: CounterHandler, RecorderHandler, TimerHandler {
    let store: MetricStore
    let name: String
    init(_ store: MetricStore, _ label: String, _ dimensions: [(String, String)]) {
      self.store = store
      name = label + "{" + dimensions.map { "\($0.0)=\($0.1)" }.joined(separator: ",") + "}"
    }
    private func add(_ value: Double) {
      store.stored.withLock { $0[name, default: []].append(value) }
    }
    func increment(by amount: Int64) { add(Double(amount)) }
    func reset() {}
    func record(_ value: Int64) { add(Double(value)) }
    func record(_ value: Double) { add(value) }
    func recordNanoseconds(_ duration: Int64) { add(Double(duration)) }
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    Handler(self, label, dimensions)
  }
  func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler { Handler(self, label, dimensions) }
  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    Handler(self, label, dimensions)
  }
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}
