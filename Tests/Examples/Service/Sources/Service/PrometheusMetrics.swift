import CoreMetrics
import Synchronization

/// Keeps the program's metrics and writes them as Prometheus reads them: counters, the last value
/// of each recorder, and sum and count of each timer, in seconds.
final class PrometheusMetrics: MetricsFactory {
  private struct Series: Hashable {
    let label: String
    let dimensions: String
  }
  private struct Sum {
    var total = 0.0
    var count = 0
  }
  private enum Kind { case counter, gauge, timer }
  private let stored = Mutex<[Series: (kind: Kind, value: Sum)]>([:])

  /// What `/metrics` gives.
  var text: String {
    let all = stored.withLock { $0 }
    var lines: [String] = []
    for (series, (kind, value)) in all {
      switch kind {
      case .counter: lines.append("\(series.label)\(series.dimensions) \(Int(value.total))")
      case .gauge: lines.append("\(series.label)\(series.dimensions) \(value.total)")
      case .timer:
        lines.append("\(series.label)_seconds_sum\(series.dimensions) \(value.total / 1e9)")
        lines.append("\(series.label)_seconds_count\(series.dimensions) \(value.count)")
      }
    }
    return lines.sorted().joined(separator: "\n") + "\n"
  }

  private final class Handler: CounterHandler, RecorderHandler, TimerHandler {
    private let store: PrometheusMetrics
    private let series: Series
    private let kind: Kind

    init(_ store: PrometheusMetrics, _ label: String, _ dims: [(String, String)], _ kind: Kind) {
      self.store = store
      let inner = dims.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",")
      series = Series(label: label, dimensions: inner.isEmpty ? "" : "{\(inner)}")
      self.kind = kind
    }

    private func add(_ amount: Double, replacing: Bool = false) {
      store.stored.withLock { all in
        var (_, value) = all[series] ?? (kind, Sum())
        value.total = replacing ? amount : value.total + amount
        value.count += 1
        all[series] = (kind, value)
      }
    }
    func increment(by amount: Int64) { add(Double(amount)) }
    func reset() { store.stored.withLock { $0[series] = nil } }
    func record(_ value: Int64) { add(Double(value), replacing: true) }
    func record(_ value: Double) { add(value, replacing: true) }
    func recordNanoseconds(_ duration: Int64) { add(Double(duration)) }
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    Handler(self, label, dimensions, .counter)
  }
  func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler { Handler(self, label, dimensions, .gauge) }
  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    Handler(self, label, dimensions, .timer)
  }
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}
