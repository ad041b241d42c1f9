import CKernels
import Tensors

/// A convolution over three axes with everything settled but the memory: planes of the image are put
/// into blocks where they do not lie in them, and each plane of the result is a convolution over two
/// axes of the planes that it meets, by the direct sum or Winograd's algorithm.
///
/// Planes lie as `[depth, blocks, pixels, lanes]`, so those under neighbouring taps are blocks of one
/// image of more channels, and taps that lie in the padding are left out. One volume of the batch
/// is computed after another.
public struct BlockedVolumePlan: Sendable {
  public let label: String
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int

  let geometry: ConvGeometry
  private let kernel: Kernel
  private let lanes: Int
  private let isPlain: Bool
  /// Whether image and result lie in blocks outside of the plan.
  private let isBlocked: (image: Bool, result: Bool)
  private let isa: InstructionSet
  /// Bytes of scratch for the image and for the result in blocks.
  private let imageBytes: Int
  private let resultBytes: Int

  private enum Kernel: Sendable {
    case direct(BlockedConvPlan)
    case winograd(BlockedWinogradPlan)
  }

  /// Whether there is a kernel, and work enough to pay for two changes of layout.
  public static func takes(_ g: ConvGeometry, isa: InstructionSet = .current) -> Bool {
    sums(g, isa: isa) && (g.kernel[0] > 1 || g.input[0] > 1) && g.taps > 1 && g.outputs >= 8
      && g.channels * g.taps >= 27
  }

  /// Whether there is a kernel.
  public static func sums(_ g: ConvGeometry, isa: InstructionSet = .current) -> Bool {
    guard isa >= .avx2, g.groups == 1, g.dilations[0] == 1, g.outputCount > 0, g.inputCount > 0
    else { return false }
    // Every plane of the result meets one of the image.
    let last = (g.output[0] - 1) * g.strides[0] - g.pads[0]
    return g.pads[0] < g.kernel[0] && last < g.input[0]
  }

  /// - `weights`: `[outputs, channels, taps]`; `bias`: an element an output, or nil.
  /// - `isBlocked`: image and result lie in blocks, `[batch * depth, blocks, pixels, lanes]`.
  /// - `exact`: no Winograd's tiles of 4. - `compact`: none at all.
  /// - `pack`: where packed weights are kept.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights.
  public init(
    _ g: ConvGeometry, finish: BlockedFinish, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, isBlocked: (image: Bool, result: Bool) = (false, false),
    exact: Bool = false, compact: Bool = false, threads: Int = 1, lanes given: Int? = nil,
    isa: InstructionSet = .current, pack: BlockedPacker = .none
  ) throws(EngineError) {
    precondition(Self.sums(g, isa: isa), "no blocked volume")
    geometry = g
    let lanes = given ?? (isa >= .avx512 ? 16 : 8)
    self.lanes = lanes
    let isa = isa.blocked(lanes: lanes)
    self.isa = isa
    self.isBlocked = isBlocked
    let isPlain = g.channels <= lanes / 2 && !isBlocked.image
    self.isPlain = isPlain
    // Channels that a plane takes, and those of all planes under the taps.
    let each = isPlain ? g.channels : (g.channels + lanes - 1) / lanes * lanes
    let depth = BlockedDepth(g)
    let planes = ConvGeometry(
      batch: g.output[0], groups: 1, channels: g.kernel[0] * each, outputs: g.outputs,
      input: [g.input[1], g.input[2]], output: [g.output[1], g.output[2]],
      kernel: [g.kernel[1], g.kernel[2]], strides: [g.strides[1], g.strides[2]],
      dilations: [g.dilations[1], g.dilations[2]], pads: [g.pads[1], g.pads[2]])
    let blocks = (g.outputs + lanes - 1) / lanes
    func filter(
      _ form: String,
      _ make: (UnsafePointer<Float>, PackedSpace) throws(EngineError) -> BlockedFilter
    ) throws(EngineError) -> BlockedFilter {
      try pack.filter("volume \(form)") { (space) throws(EngineError) in
        let turned = Self.turned(weights, g, each: each)
        defer { turned.deallocate() }
        return try make(turned, space)
      }
    }
    let form =
      isPlain || compact
      ? nil : BlockedWinogradPlan.form(planes, lanes: lanes, finish: finish, exact: exact, isa: isa)
    // Taps along the depth are channels already, of which the first and last may be left out.
    if let form, form.parts == 1 {
      let made = try filter("winograd \(form) \(lanes)") { (source, space) throws(EngineError) in
        try BlockedFilter(planes, winograd: form, lanes: lanes, source: source, space: space)
      }
      let plan = BlockedWinogradPlan(
        planes, depth: depth, form: form, lanes: lanes, finish: finish, filter: made,
        bias: try pack.padded(bias, count: g.outputs, total: (blocks + 3) * lanes),
        threads: threads, isa: isa)
      kernel = .winograd(plan)
      label = plan.label + " of planes"
    } else {
      let widest = isPlain || g.strides[2] > 2 ? 2 : 3
      let made = try filter("\(lanes) \(isPlain) \(widest)") {
        (source, space) throws(EngineError) in
        try BlockedFilter(
          planes, lanes: lanes, isPlain: isPlain, widest: widest, source: source, isa: isa,
          space: space)
      }
      let plan = BlockedConvPlan(
        planes, depth: depth, lanes: lanes, isPlain: isPlain, finish: finish, filter: made,
        bias: try pack.padded(bias, count: g.outputs, total: blocks * lanes), threads: threads,
        isa: isa)
      kernel = .direct(plan)
      label = plan.label + " of planes"
    }
    imageBytes = isBlocked.image ? 0 : GemmPlan.aligned(each * g.inputPixels * 4)
    resultBytes = isBlocked.result ? 0 : GemmPlan.aligned(blocks * lanes * g.outputPixels * 4)
    let own =
      switch kernel {
      case .direct(let plan): plan.scratchBytes
      case .winograd(let plan): plan.scratchBytes
      }
    scratchBytes = imageBytes + resultBytes + own
  }

  /// Weights as `[outputs, depth, each, height, width]`, zeros beyond the last channel.
  private static func turned(
    _ weights: UnsafePointer<Float>, _ g: ConvGeometry, each: Int
  ) -> UnsafeMutablePointer<Float> {
    let (taps, flat) = (g.kernel[0], g.kernel[1] * g.kernel[2])
    let count = g.outputs * taps * each * flat
    let to = UnsafeMutablePointer<Float>.allocate(capacity: max(1, count))
    to.initialize(repeating: 0, count: count)
    for m in 0..<g.outputs {
      for c in 0..<g.channels {
        for t in 0..<taps {
          (to + ((m * taps + t) * each + c) * flat).update(
            from: weights + ((m * g.channels + c) * taps + t) * flat, count: flat)
        }
      }
    }
    return to
  }

  /// Computes the convolution of `x` into `y`; `residual` is laid out as `y`, may be `y`, and is for
  /// results in blocks only.
  public func run(
    x: UnsafePointer<Float>, residual: UnsafePointer<Float>? = nil, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = geometry
    let own = scratch + imageBytes + resultBytes
    func padded(_ channels: Int) -> Int { (channels + lanes - 1) / lanes * lanes }
    for n in 0..<g.batch {
      var image = x + n * padded(g.channels) * g.inputPixels
      if !isBlocked.image {
        let copy = scratch.assumingMemoryBound(to: Float.self)
        gather(x + n * g.channels * g.inputPixels, copy, pool)
        image = UnsafePointer(copy)
      }
      let volume = n * padded(g.outputs) * g.outputPixels
      let result =
        isBlocked.result
        ? y + volume : (scratch + imageBytes).assumingMemoryBound(to: Float.self)
      let addend = isBlocked.result ? residual.map { $0 + volume } : nil
      switch kernel {
      case .direct(let plan):
        plan.run(x: image, residual: addend, y: result, scratch: own, pool: pool)
      case .winograd(let plan):
        plan.run(x: image, residual: addend, y: result, scratch: own, pool: pool)
      }
      if isBlocked.result { continue }
      let to = y + n * g.outputs * g.outputPixels
      let moves = Moves(
        depth: g.output[0], channels: g.outputs, pixels: g.output[1] * g.output[2], lanes: lanes)
      nonisolated(unsafe) let from = result
      nonisolated(unsafe) let target = to
      pool.run(moves.count) { i in
        let m = moves[i]
        scatter(from + m.blocked, target + m.plain, m)
      }
    }
  }

  /// Which pixels of a block of channels are moved as one piece of work.
  private struct Moves {
    let depth: Int
    let channels: Int
    let pixels: Int
    let lanes: Int
    private static let step = 2048

    private var parts: Int { (pixels + Self.step - 1) / Self.step }
    private var blocks: Int { (channels + lanes - 1) / lanes }
    var count: Int { depth * blocks * parts }

    /// Where elements lie in planes and in blocks, from one channel's plane to the next, how many
    /// pixels and channels.
    subscript(i: Int) -> (plain: Int, blocked: Int, stride: Int, pixels: Int, valid: Int) {
      let (part, place) = (i % parts, i / parts)
      let (block, d) = (place % blocks, place / blocks)
      let at = part * Self.step
      return (
        (block * lanes * depth + d) * pixels + at, (place * pixels + at) * lanes, depth * pixels,
        min(Self.step, pixels - at), min(lanes, channels - block * lanes)
      )
    }
  }

  /// Planes of all channels at each depth, in blocks unless they are few.
  private func gather(
    _ x: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let g = geometry
    let pixels = g.input[1] * g.input[2]
    nonisolated(unsafe) let (x, to) = (x, to)
    if isPlain {
      pool.run(g.input[0] * g.channels) { i in
        let (c, d) = (i % g.channels, i / g.channels)
        (to + i * pixels).update(from: x + (c * g.input[0] + d) * pixels, count: pixels)
      }
      return
    }
    let moves = Moves(depth: g.input[0], channels: g.channels, pixels: pixels, lanes: lanes)
    pool.run(moves.count) { i in
      let m = moves[i]
      let (from, target) = (x + m.plain, to + m.blocked)
      switch isa {
      #if arch(x86_64)
        case .avx512:
          dl_to_blocked_f32__avx512(target, from, m.pixels, m.stride, m.valid, lanes)
        case .avx2: dl_to_blocked_f32__avx2(target, from, m.pixels, m.stride, m.valid, lanes)
      #endif
      default: dl_to_blocked_f32__scalar(target, from, m.pixels, m.stride, m.valid, lanes)
      }
    }
  }

  private func scatter(
    _ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>,
    _ m: (plain: Int, blocked: Int, stride: Int, pixels: Int, valid: Int)
  ) {
    switch isa {
    #if arch(x86_64)
      case .avx512: dl_from_blocked_f32__avx512(to, from, m.pixels, m.stride, m.valid, lanes)
      case .avx2: dl_from_blocked_f32__avx2(to, from, m.pixels, m.stride, m.valid, lanes)
    #endif
    default: dl_from_blocked_f32__scalar(to, from, m.pixels, m.stride, m.valid, lanes)
    }
  }
}
