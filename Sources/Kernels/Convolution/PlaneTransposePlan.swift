import Tensors

/// A transposed convolution with few outputs and constant weights.
///
/// Results that lie `stride` apart meet the same inputs, so each output and phase is an output of one
/// convolution of stride 1, which is summed over planes (`PlaneConvPlan`):
/// `y[s j + t - pad] = sum over m of x[j - m] w[t + s m]` for phases `t` from 0 to `s - 1`. Its planes
/// are then put in their places. Sums run over channels, then taps; results do not depend on the
/// number of threads.
public struct PlaneTransposePlan: Sendable {
  public let label: String
  public let scratchBytes: Int
  let inner: PlaneConvPlan
  let result: ConvGeometry
  let planeBytes: Int
  let isParallel: Bool

  /// - `geometry`: that of the convolution whose transpose this is, as `ConvTransposePlan` takes it.
  /// - `weights`: `[channels of X, outputs, taps]`.
  ///
  /// Nil where the form cannot take it or would not pay. Errors: `.budget` when the system has no
  /// memory for packed weights.
  public init?(
    _ geometry: ConvGeometry, weights: UnsafePointer<Float>, threads: Int,
    isa: InstructionSet = .current
  ) throws(EngineError) {
    let g = geometry
    let strides = (g.strides[1], g.strides[2])
    let phases = strides.0 * strides.1
    let (outputs, channels) = (g.channels, g.outputs)
    guard g.groups == 1, g.kernel[0] == 1, g.strides[0] == 1, g.pads[0] == 0, g.input[0] == 1,
      g.dilations == [1, 1, 1], g.pads.allSatisfy({ $0 >= 0 }), phases > 1,
      outputs <= PlaneConvPlan.fewOutputs, outputs * phases <= 128
    else { return nil }
    /// Taps of a phase, and its outputs, of which the first and the last may be cut off.
    func axis(_ i: Int) -> (taps: Int, count: Int) {
      let s = g.strides[i]
      return ((g.kernel[i] + s - 1) / s, (g.input[i] + g.pads[i] + s - 1) / s)
    }
    let (rows, columns) = (axis(1), axis(2))
    let virtual = ConvGeometry(
      batch: g.batch, groups: 1, channels: channels, outputs: outputs * phases,
      input: [g.output[1], g.output[2]], output: [rows.count, columns.count],
      kernel: [rows.taps, columns.taps], strides: [1, 1], dilations: [1, 1],
      pads: [rows.taps - 1, columns.taps - 1], keepsAxes: true)
    let taps = rows.taps * columns.taps
    let memory = try AlignedMemory(byteCount: outputs * phases * channels * taps * 4)
    let turned = memory.bytes.assumingMemoryBound(to: Float.self)
    turned.update(repeating: 0, count: outputs * phases * channels * taps)
    for m in 0..<outputs {
      for c in 0..<channels {
        let from = weights + (c * outputs + m) * g.taps
        for ky in 0..<g.kernel[1] {
          for kx in 0..<g.kernel[2] {
            let phase = ky % strides.0 * strides.1 + kx % strides.1
            let tap =
              (rows.taps - 1 - ky / strides.0) * columns.taps + columns.taps - 1 - kx / strides.1
            turned[((m * phases + phase) * channels + c) * taps + tap] = from[ky * g.kernel[2] + kx]
          }
        }
      }
    }
    guard
      let inner = try PlaneConvPlan.constant(virtual, weights: turned, threads: threads, isa: isa)
    else { return nil }
    withExtendedLifetime(memory) {}
    self.inner = inner
    result = g
    planeBytes = GemmPlan.aligned(virtual.outputCount * 4)
    scratchBytes = planeBytes + GemmPlan.aligned(outputs * phases * 4) + inner.scratchBytes
    label = "transposed \(inner.label)"
    isParallel = threads > 1 && virtual.outputCount >= 1 << 14
  }

  /// `bias` has an element for each channel of the result, or is nil.
  public func run(
    x: UnsafePointer<Float>, bias: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = result
    let outputs = g.channels
    let phases = g.strides[1] * g.strides[2]
    nonisolated(unsafe) let (y, planes) = (y, scratch.assumingMemoryBound(to: Float.self))
    let rest = scratch + planeBytes
    let biases = rest.assumingMemoryBound(to: Float.self)
    if let bias {
      for i in 0..<outputs * phases { biases[i] = bias[i / phases] }
    }
    inner.run(
      x: x, weights: x, isTurned: false, bias: bias == nil ? nil : UnsafePointer(biases),
      y: planes, scratch: rest + GemmPlan.aligned(outputs * phases * 4), pool: pool)
    let (rows, columns) = (inner.geometry.output[1], inner.geometry.output[2])
    let (sy, sx) = (g.strides[1], g.strides[2])
    let (height, width) = (g.input[1], g.input[2])
    (isParallel ? pool : ThreadPool.single).run(g.batch * outputs * height) { unit in
      let (image, row) = (unit / height, unit % height)
      let at = row + g.pads[1]
      let from = planes + ((image * sy + at % sy) * sx * rows + at / sy) * columns
      let to = y + unit * width
      for phase in 0..<sx {
        // Of `sx * j + phase - pad`, those from 0 to the row's end.
        var j = max(0, (g.pads[2] - phase + sx - 1) / sx)
        var o = sx * j + phase - g.pads[2]
        let line = from + phase * rows * columns
        while o < width {
          to[o] = line[j]
          j += 1
          o += sx
        }
      }
    }
  }
}
