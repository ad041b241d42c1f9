import Formats
import Kernels
import Operators
import Runtime
import Tensors

/// `dlrun bench --choices`: the ways of convolutions that the model of costs takes, held against what
/// each of the ways takes here.
struct ChoiceBench {
  struct Row {
    let layer: ConvolutionTrial.Layer
    let chosen: WinogradForm?
    /// Least nanoseconds of each way, the direct sum first.
    let times: [(form: WinogradForm?, ns: Double)]

    var best: Double { times.map(\.ns).min() ?? 0 }
    /// How much longer than the best way the chosen one takes.
    var loss: Double {
      guard let own = times.first(where: { $0.form == chosen }), best > 0 else { return 0 }
      return own.ns / best - 1
    }
    var window: String {
      layer.kernel.map(String.init).joined(separator: "x") + (layer.stride > 1 ? " by 2" : "")
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
    var layers: [ConvolutionTrial.Layer] = []
    for (kernel, stride) in [([3, 3], 1), ([3, 3], 2), ([5, 5], 1), ([1, 3], 1), ([7, 1], 1)] {
      for pixels in [7, 10, 14, 20, 28, 40, 56, 112] where kernel == [3, 3] || pixels % 7 == 0 {
        for channels in [16, 32, 64, 128, 256, 512]
        where channels * channels * pixels * pixels <= 128 * 128 * 56 * 56 {
          layers.append(
            ConvolutionTrial.Layer(
              channels: channels, pixels: pixels, kernel: kernel, stride: stride))
        }
      }
    }
    let pool = threads == 1 ? ThreadPool.single : ThreadPool(threads: threads)
    var progress = Progress()
    for (i, layer) in layers.enumerated() {
      progress.show(
        "\(i + 1) of \(layers.count): \(layer.channels) channels, \(layer.pixels) pixels")
      let forms: [WinogradForm?] = [nil] + layer.forms
      var trials: [ConvolutionTrial] = []
      for form in forms {
        trials.append(
          try ConvolutionTrial(layer, form: form, lanes: lanes, threads: threads))
      }
      let times = Self.measure(trials, pool)
      rows.append(
        Row(
          layer: layer, chosen: layer.choice(lanes: lanes),
          times: zip(forms, times).map { ($0, $1) }))
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

  private static func name(_ form: WinogradForm?) -> String { form.map { "\($0)" } ?? "direct" }

  var text: String {
    var table = Table(
      ["window", "channels", "pixels", "direct us", "F(2x2) us", "larger us", "chosen", "loss"],
      right: [1, 2, 3, 4, 5, 7])
    for r in rows {
      func time(_ takes: (WinogradForm?) -> Bool) -> String {
        r.times.first { takes($0.form) }.map { fixed($0.ns / 1e3, 1) } ?? ""
      }
      table.add([
        r.window, "\(r.layer.channels)", "\(r.layer.pixels)x\(r.layer.pixels)", time { $0 == nil },
        time { $0 == .two }, time { $0 != nil && $0 != .two }, Self.name(r.chosen),
        r.loss < 0.005 ? "" : fixed(r.loss * 100, 0) + "%",
      ])
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
        for time in r.times { microseconds.append(Self.name(time.form), .double(time.ns / 1e3)) }
        return [
          "window": .string(r.window), "channels": .int(Int64(r.layer.channels)),
          "height": .int(Int64(r.layer.pixels)), "width": .int(Int64(r.layer.pixels)),
          "chosen": .string(Self.name(r.chosen)), "microseconds": .object(microseconds),
          "loss": .double(r.loss),
        ]
      })
  }
}
