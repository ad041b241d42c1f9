import Tensors

/// A transposed convolution on blocked images with everything settled but the memory.
///
/// Outputs that lie `stride` apart along both axes meet the same taps, a convolution of stride 1 of
/// the input: each such phase runs by the direct kernel, and its tiles are spread over the result.
/// `y[s i + r] = sum over m of x[i + q - m] w[t + s m]` with `t = (r + pad) mod s`,
/// `q = (r + pad - t) / s`. Sums run over input blocks, taps and lanes in order; results do not
/// depend on threads.
public struct BlockedTransposedPlan: Sendable {
  public let label: String
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int
  let phases: [BlockedConvPlan]

  /// One axis of a phase: its outputs, the taps in the order of a convolution, and its zeros ahead.
  private struct Axis {
    let outputs: Int
    let taps: [Int]
    let pad: Int

    init(_ axes: BlockedWindow.Axes, _ i: Int, _ r: Int) {
      let (s, pad) = (axes.strides[i], axes.pads[i])
      let first = (r + pad) % s
      taps = Array(stride(from: first, to: axes.kernel[i], by: s).reversed())
      outputs = max(0, (axes.output[i] - r + s - 1) / s)
      self.pad = taps.count - 1 - (r + pad - first) / s
    }
  }

  /// Whether there is a kernel: no dilation, a tap for every output, and no input left unread
  /// ahead of the first window.
  public static func takes(_ axes: BlockedWindow.Axes) -> Bool {
    (0...1).allSatisfy { i in
      axes.dilations[i] == 1 && axes.kernel[i] >= axes.strides[i]
        && (0..<axes.strides[i]).allSatisfy { Axis(axes, i, $0).pad >= 0 }
    }
  }

  /// - `axes`: `input` of X, `output` of Y, the rest as the transposed convolution has them.
  /// - `weights`: `[channels, outputs, taps]`; `bias`: an element an output, or nil.
  /// - `pack`: where packed weights are kept.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights.
  public init(
    _ axes: BlockedWindow.Axes, batch: Int, channels: Int, outputs: Int, lanes: Int,
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, threads: Int = 1,
    isa: InstructionSet = .current,
    pack: BlockedPacker = .none
  ) throws(EngineError) {
    precondition(Self.takes(axes), "no transposed convolution in blocks")
    let (kh, kw) = (axes.kernel[0], axes.kernel[1])
    let (height, width) = (axes.output[0], axes.output[1])
    var list: [BlockedConvPlan] = []
    for ry in 0..<axes.strides[0] {
      for rx in 0..<axes.strides[1] {
        let (rows, columns) = (Axis(axes, 0, ry), Axis(axes, 1, rx))
        if rows.outputs == 0 || columns.outputs == 0 { continue }
        let taps = rows.taps.count * columns.taps.count
        let memory = try AlignedMemory(byteCount: channels * outputs * taps * 4)
        let turned = memory.bytes.assumingMemoryBound(to: Float.self)
        for m in 0..<outputs {
          for c in 0..<channels {
            let from = weights + (c * outputs + m) * kh * kw
            var to = turned + (m * channels + c) * taps
            for a in rows.taps {
              for b in columns.taps {
                to.pointee = from[a * kw + b]
                to += 1
              }
            }
          }
        }
        let g = ConvGeometry(
          batch: batch, groups: 1, channels: channels, outputs: outputs, input: axes.input,
          output: [rows.outputs, columns.outputs],
          kernel: [rows.taps.count, columns.taps.count], strides: [1, 1], dilations: [1, 1],
          pads: [rows.pad, columns.pad], keepsAxes: true)
        let view = BlockedConvPlan.View(
          first: ry * width + rx, row: axes.strides[0] * width, pixel: axes.strides[1],
          plane: height * width)
        let phase = "phase \(ry) \(rx) \(axes.strides) \(axes.pads)"
        list.append(
          try BlockedConvPlan(
            g, lanes: lanes, isPlain: false, finish: .none, weights: turned, bias: bias,
            view: view, threads: threads, isa: isa, variant: phase, pack: pack))
        withExtendedLifetime(memory) {}
      }
    }
    phases = list
    scratchBytes = list.map(\.scratchBytes).max() ?? 0
    label = "transposed \(list.first?.label ?? "")"
  }

  public func run(
    x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    for phase in phases {
      phase.run(x: x, residual: nil, y: y, scratch: scratch, pool: pool)
    }
  }
}
