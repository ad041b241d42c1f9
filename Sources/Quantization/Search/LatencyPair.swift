import Graphs
import Runtime
import Tensors

/// How long two models take for the same input, in turns, so that what disturbs one disturbs both.
public struct LatencyPair: Sendable {
  /// Medians in seconds.
  public let before: Double
  public let after: Double
  public let runs: Int

  /// Runs both for about `seconds`, at least three times each after one run to warm up.
  ///
  /// Errors: those of the runs.
  public init(
    _ before: ModelGraph, _ after: ModelGraph, _ inputs: [String: Tensor], threads: Int?,
    seconds: Double = 1
  ) throws(EngineError) {
    let sessions = [
      try Session(before, options: .init(threads: threads)),
      try Session(after, options: .init(threads: threads)),
    ]
    let clock = ContinuousClock()
    var times: [[Double]] = [[], []]
    for s in sessions { _ = try s.run(inputs) }
    let start = clock.now
    while times[1].count < 3
      || (Self.seconds(clock.now - start) < seconds && times[1].count < 1000)
    {
      for (i, s) in sessions.enumerated() {
        let from = clock.now
        _ = try s.run(inputs)
        times[i].append(Self.seconds(clock.now - from))
      }
    }
    runs = times[0].count
    self.before = times[0].sorted()[runs / 2]
    self.after = times[1].sorted()[runs / 2]
  }

  private static func seconds(_ d: Duration) -> Double {
    let (s, atto) = d.components
    return Double(s) + Double(atto) * 1e-18
  }
}
