import Formats
import Kernels
import Operators
import Runtime
import Tensors

/// `dlrun bench --choices`: the ways of 3x3 convolutions that the model of costs takes, held against
/// what each of the ways takes here.
struct ChoiceBench {
  struct Row {
    let channels: Int
    let pixels: Int
    let chosen: ConvolutionTrial.Way
    /// Least nanoseconds of each way, in the order of `Way.allCases`.
    let times: [Double]

    var best: Double { times.min() ?? 0 }
    /// How much longer than the best way the chosen one takes.
    var loss: Double {
      guard let i = ConvolutionTrial.Way.allCases.firstIndex(of: chosen), best > 0 else { return 0 }
      return times[i] / best - 1
    }
  }

  private(set) var rows: [Row] = []

  /// Measures squares of 7 to 112 pixels with 16 to 512 channels in and out.
  ///
  /// Errors: `.budget` when there is no memory; `.unsupported` without kernels in blocks.
  init(threads: Int) throws(EngineError) {
    let lanes = BlockedLayout.best.block
    guard InstructionSet.current >= .avx2 else {
      throw EngineError(
        .unsupported, "there is nothing to choose from on this processor",
        expected: "avx2 or avx512", received: "\(InstructionSet.current)")
    }
    var sizes: [(channels: Int, pixels: Int)] = []
    for pixels in [7, 10, 14, 20, 28, 40, 56, 112] {
      for channels in [16, 32, 64, 128, 256, 512]
      where channels * channels * pixels * pixels <= 128 * 128 * 56 * 56 {
        sizes.append((channels, pixels))
      }
    }
    let pool = threads == 1 ? ThreadPool.single : ThreadPool(threads: threads)
    var progress = Progress()
    for (i, s) in sizes.enumerated() {
      progress.show("\(i + 1) of \(sizes.count): \(s.channels) channels, \(s.pixels) pixels")
      var trials: [ConvolutionTrial] = []
      for way in ConvolutionTrial.Way.allCases {
        trials.append(
          try ConvolutionTrial(
            way, channels: s.channels, outputs: s.channels, height: s.pixels, width: s.pixels,
            lanes: lanes, threads: threads))
      }
      rows.append(
        Row(
          channels: s.channels, pixels: s.pixels,
          chosen: ConvolutionTrial.choice(
            channels: s.channels, outputs: s.channels, height: s.pixels, width: s.pixels,
            lanes: lanes),
          times: Self.measure(trials, pool)))
    }
    progress.clear()
  }

  /// Turn by turn for about a tenth of a second, so that all meet the same neighbours.
  private static func measure(_ trials: [ConvolutionTrial], _ pool: ThreadPool) -> [Double] {
    var least = [Double](repeating: .infinity, count: trials.count)
    let start = nanoseconds()
    var rounds = 0
    while rounds < 5 || (nanoseconds() - start < 100_000_000 && rounds < 500) {
      for (i, trial) in trials.enumerated() {
        trial.run(pool: pool)
        let t = nanoseconds()
        trial.run(pool: pool)
        least[i] = min(least[i], Double(nanoseconds() - t))
      }
      rounds += 1
    }
    return least
  }

  private static func name(_ way: ConvolutionTrial.Way) -> String {
    switch way {
    case .direct: "direct"
    case .tiles2: "F(2x2)"
    case .tiles4: "F(4x4)"
    }
  }

  var text: String {
    var table = Table(
      ["channels", "pixels"] + ConvolutionTrial.Way.allCases.map { Self.name($0) + " us" }
        + ["chosen", "loss"], right: [0, 1, 2, 3, 4, 6])
    for r in rows {
      table.add(
        ["\(r.channels)", "\(r.pixels)x\(r.pixels)"] + r.times.map { fixed($0 / 1e3, 1) }
          + [Self.name(r.chosen), r.loss < 0.005 ? "" : fixed(r.loss * 100, 0) + "%"])
    }
    let right = rows.count { $0.loss < 0.04 }
    let worst = rows.map(\.loss).max() ?? 0
    let mean = rows.reduce(0) { $0 + $1.loss } / Double(max(1, rows.count))
    return table.text + """

      \(right) of \(rows.count) choices within 4 % of the best way; mean loss \
      \(fixed(mean * 100, 1)) %, largest \(fixed(worst * 100, 0)) %

      """
  }

  var json: JSONValue {
    .array(
      rows.map { r in
        var microseconds = JSONObject()
        for (way, time) in zip(ConvolutionTrial.Way.allCases, r.times) {
          microseconds.append(Self.name(way), .double(time / 1e3))
        }
        return [
          "channels": .int(Int64(r.channels)), "height": .int(Int64(r.pixels)),
          "width": .int(Int64(r.pixels)), "chosen": .string(Self.name(r.chosen)),
          "microseconds": .object(microseconds), "loss": .double(r.loss),
        ]
      })
  }
}
