import Graphs
import Synchronization

/// What ran when, as a Chrome trace: open it in `chrome://tracing` or Perfetto.
public final class Profiler: Sendable {
  public struct Event: Sendable {
    public let node: String
    public let operatorName: String
    /// The kernel chosen, or "view" or "dynamic".
    public let kernel: String
    /// Type and shape of the first output.
    public let output: String
    /// Nanoseconds since the profiler was made.
    public let start: UInt64
    public let duration: UInt64
    /// The operator with the types and the kernel it ran with; nil for dynamic nodes.
    public let call: Call?
  }
  private let origin = monotonicNanoseconds()
  private let list = Mutex<[Event]>([])

  public init() {}

  func record(
    node: String, operatorName: String, kernel: String, output: String, start: UInt64, end: UInt64,
    call: Call? = nil
  ) {
    let event = Event(
      node: node, operatorName: operatorName, kernel: kernel, output: output,
      start: start &- origin, duration: end &- start, call: call)
    list.withLock { $0.append(event) }
  }

  public var events: [Event] { list.withLock { $0 } }
  public func removeAll() { list.withLock { $0.removeAll(keepingCapacity: true) } }

  /// The trace event format's JSON, times in microseconds.
  public func chromeTrace() -> String {
    var text = "{\"traceEvents\":[\n"
    for (i, e) in events.enumerated() {
      if i > 0 { text += ",\n" }
      text += "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"cat\":\"node\",\"name\":"
      text += quoted("\(e.operatorName) \(e.node)")
      text += ",\"ts\":\(micros(e.start)),\"dur\":\(micros(e.duration)),\"args\":{\"kernel\":"
      text += "\(quoted(e.kernel)),\"output\":\(quoted(e.output))}}"
    }
    return text + "\n]}\n"
  }

  private func micros(_ ns: UInt64) -> String {
    let fraction = String(ns % 1000)
    let zeros = String(repeating: "0", count: 3 - fraction.utf8.count)
    return "\(ns / 1000).\(zeros)\(fraction)"
  }

  private func quoted(_ text: String) -> String {
    var out = "\""
    for c in text.unicodeScalars {
      switch c {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where c.value < 0x20:
        let hex = String(c.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
      default: out.unicodeScalars.append(c)
      }
    }
    return out + "\""
  }
}
