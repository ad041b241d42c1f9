import Tensors

/// The gradient of a convolution by its input, with everything settled but the memory.
///
/// Inputs that lie `stride` apart meet the same taps: each such phase is a convolution of stride 1
/// of dY by the taps turned round, with the channels of both sides exchanged, and its results are
/// spread over dX. Phases that meet no tap are zeros. What this form cannot say, pads larger than
/// the kernel and dilations beside strides, runs as `ConvTransposePlan`. Sums run over taps, then
/// channels; results do not depend on the number of threads.
public struct ConvInputGradientPlan: Sendable {
  public let geometry: ConvGeometry
  public let scratchBytes: Int
  public let label: String

  /// The inputs at one remainder of each axis.
  struct Phase: Sendable {
    let plan: VariableConvPlan
    /// Where its results begin, and their sizes, along each axis.
    let first: [Int]
    let sizes: [Int]
    /// For each tap of its convolution the tap of the forward one.
    let taps: Table
  }

  let element: GemmElement
  let phases: [Phase]
  let fallback: ConvTransposePlan?
  let weightBytes: Int
  let imageBytes: Int
  /// Whether some inputs meet no tap.
  let hasGaps: Bool
  /// Whether the plan turns the weights round itself.
  let readsWeights: Bool

  /// One axis of a phase.
  private struct Axis {
    let sizes: Int
    let taps: [Int]
    let pad: Int

    init(_ g: ConvGeometry, _ i: Int, _ r: Int) {
      let (s, pad) = (g.strides[i], g.pads[i])
      if s == 1 {
        taps = Array((0..<g.kernel[i]).reversed())
        sizes = g.input[i]
        self.pad = (g.kernel[i] - 1) * g.dilations[i] - pad
        return
      }
      let first = (r + pad) % s
      taps = Array(stride(from: first, to: g.kernel[i], by: s).reversed())
      sizes = max(0, (g.input[i] - r + s - 1) / s)
      self.pad = taps.count - 1 - (r + pad - first) / s
    }
    var isUsed: Bool { sizes > 0 && !taps.isEmpty }
  }

  /// - `geometry`: that of the forward convolution. - `element`: float32 or float64. - `exact`:
  ///   sums as accurate as plain summation.
  ///
  /// Errors: `.shape` when a size exceeds what memory can address.
  public init(
    _ geometry: ConvGeometry, element: GemmElement, exact: Bool = false, threads: Int = 1,
    isa: InstructionSet = .current
  ) throws(EngineError) {
    let g = geometry
    self.geometry = g
    self.element = element
    // The taps of the only phase are all, turned round: its plan reads them where they lie.
    let isWhole = g.strides == [1, 1, 1] && g.groups == 1
    readsWeights = isWhole
    var list: [Phase] = []
    var takes = true
    for rd in 0..<g.strides[0] {
      for rh in 0..<g.strides[1] {
        for rw in 0..<g.strides[2] {
          let first = [rd, rh, rw]
          let axes = (0..<3).map { Axis(g, $0, first[$0]) }
          guard axes.allSatisfy(\.isUsed) else { continue }
          takes =
            takes && axes.allSatisfy { $0.pad >= 0 }
            && (0..<3).allSatisfy { g.strides[$0] == 1 || g.dilations[$0] == 1 }
          if !takes { continue }
          var taps: [Int] = []
          for a in axes[0].taps {
            for b in axes[1].taps {
              for c in axes[2].taps { taps.append((a * g.kernel[1] + b) * g.kernel[2] + c) }
            }
          }
          let phase = ConvGeometry(
            batch: g.batch, groups: g.groups, channels: g.outputs, outputs: g.channels,
            input: g.output, output: axes.map(\.sizes), kernel: axes.map(\.taps.count),
            strides: [1, 1, 1], dilations: g.dilations, pads: axes.map(\.pad))
          list.append(
            Phase(
              plan: VariableConvPlan(
                phase, element: element, isTurned: isWhole, exact: exact, threads: threads,
                isa: isa),
              first: first, sizes: axes.map(\.sizes), taps: Table(taps)))
        }
      }
    }
    guard takes, !list.isEmpty else {
      let plan = try ConvTransposePlan(g, element: element, threads: threads, isa: isa)
      (phases, fallback, weightBytes, imageBytes, hasGaps) = ([], plan, 0, 0, false)
      scratchBytes = plan.scratchBytes
      label = plan.label
      return
    }
    let es = element.byteSize
    phases = list
    fallback = nil
    hasGaps = list.count < g.strides.reduce(1, *)
    weightBytes =
      isWhole
      ? 0 : GemmPlan.aligned(list.map(\.plan.geometry.weightCount).reduce(0, max) * es)
    imageBytes =
      g.strides == [1, 1, 1]
      ? 0 : GemmPlan.aligned(list.map(\.plan.geometry.outputCount).reduce(0, max) * es)
    scratchBytes = weightBytes + imageBytes + list.map(\.plan.scratchBytes).reduce(0, max)
    label = "input gradient \(list[0].plan.label)"
  }

  /// - `dy`: the gradient by the convolution's output; `weights`: the forward ones; `dx`: the result.
  public func run(
    dy: UnsafeRawPointer, weights: UnsafeRawPointer, dx: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if let fallback {
      fallback.run(x: dy, weights: weights, bias: nil, y: dx, scratch: scratch, pool: pool)
    } else if element == .float64 {
      run(Double.self, dy, weights, dx, scratch, pool)
    } else {
      run(Float.self, dy, weights, dx, scratch, pool)
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ dy: UnsafeRawPointer, _ weights: UnsafeRawPointer, _ dx: UnsafeMutableRawPointer,
    _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let g = geometry
    let turned = scratch.assumingMemoryBound(to: T.self)
    let result = dx.assumingMemoryBound(to: T.self)
    let image = (scratch + weightBytes).assumingMemoryBound(to: T.self)
    let own = scratch + weightBytes + imageBytes
    if hasGaps { result.update(repeating: 0, count: g.inputCount) }
    for phase in phases {
      if !readsWeights { turn(weights.assumingMemoryBound(to: T.self), phase, turned) }
      let isWhole = imageBytes == 0
      phase.plan.run(
        x: dy, weights: readsWeights ? weights : UnsafeRawPointer(turned), bias: nil,
        y: isWhole ? dx : UnsafeMutableRawPointer(image),
        scratch: own, pool: pool)
      if isWhole { continue }
      let pixels = phase.sizes.reduce(1, *)
      pool.run(g.batch * g.groups * g.channels) { plane in
        spread(image + plane * pixels, phase, result + plane * g.inputPixels)
      }
    }
  }

  /// The weights of a phase: `[channels, outputs, taps]` for each group.
  private func turn<T: RowReal>(
    _ weights: UnsafePointer<T>, _ phase: Phase, _ to: UnsafeMutablePointer<T>
  ) {
    let g = geometry
    let n = phase.taps.count
    for group in 0..<g.groups {
      for c in 0..<g.channels {
        for m in 0..<g.outputs {
          let from = weights + ((group * g.outputs + m) * g.channels + c) * g.taps
          let row = to + ((group * g.channels + c) * g.outputs + m) * n
          for t in 0..<n { row[t] = from[phase.taps[t]] }
        }
      }
    }
  }

  /// One plane of a phase's results, put where they belong.
  private func spread<T: RowReal>(
    _ from: UnsafePointer<T>, _ phase: Phase, _ plane: UnsafeMutablePointer<T>
  ) {
    let g = geometry
    var next = from
    for d in 0..<phase.sizes[0] {
      for h in 0..<phase.sizes[1] {
        let (z, y) = (phase.first[0] + d * g.strides[0], phase.first[1] + h * g.strides[1])
        let row = plane + (z * g.input[1] + y) * g.input[2] + phase.first[2]
        let step = g.strides[2]
        for j in 0..<phase.sizes[2] { row[j * step] = next[j] }
        next += phase.sizes[2]
      }
    }
  }
}
