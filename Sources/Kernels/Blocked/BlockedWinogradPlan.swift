import CKernels
import Tensors

/// A convolution on blocked images by Winograd's algorithm, with everything settled but the memory.
///
/// Tiles fall into groups whose transformed inputs and sums stay in the second-level cache. For
/// each group: inputs are transformed, each of the places is a product over channels, as a 1x1
/// convolution, and sums are transformed back. For 3x3 of stride 1 F(4x4) takes a quarter of the
/// products of the direct sum, F(2x2) 4 in 9; for stride 2 tiles of 3x3 take 49 in 81. Three taps
/// along one axis take half of the products by tiles of 4. Wider windows are sums of windows of
/// three taps, as if each had input channels of its own: 5x5 takes 9 in 25, 1x7 9 in 14.
///
/// Accuracy: F(2x2) as the direct sum; F(4x4) up to 1.3e-5 of the largest output at 512 channels.
/// Results do not depend on the number of threads.
public struct BlockedWinogradPlan: Sendable {
  public let label: String
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int

  /// Sizes and steps of the convolution.
  public let geometry: ConvGeometry
  public let form: WinogradForm
  /// Channels that lie side by side.
  public let lanes: Int
  let isa: InstructionSet
  /// What becomes of each sum.
  public let finish: BlockedFinish
  let after: dl_unary_fn?
  /// Blocks of the input, and of what is summed: those of each part of the window.
  let inputBlocks: Int
  let summedBlocks: Int
  let outputBlocks: Int
  let filter: BlockedFilter
  /// Bias of every lane, then zeros for the sums before they are transformed.
  let bias: BlockedConstants
  /// Tiles of a row, of an image and of a group.
  let columns: Int
  let tiles: Int
  let group: Int
  let groups: Int
  /// Parts that the filter's groups of output blocks fall into, for threads: each transforms the
  /// inputs for itself and reads its part of the weights.
  let shares: Int
  let inStep: Int
  let outStep: Int
  /// Working memory of a thread.
  let slots: Int
  let slotBytes: Int
  /// Whether weights come from further away than the second-level cache.
  let isHeavy: Bool
  /// A third axis; nil for images.
  let depth: BlockedDepth?

  /// The form that pays for a convolution; nil for the direct sum.
  public static func form(
    _ g: ConvGeometry, lanes: Int, finish: BlockedFinish, exact: Bool,
    isa: InstructionSet = .current
  ) -> WinogradForm? {
    guard isa.blocked(lanes: lanes) != .scalar, finish.keepsZero || g.outputs % lanes == 0
    else { return nil }
    var best: WinogradForm?
    var least = vectorSteps(g, lanes: lanes, nil) * 9 / 10
    // Wide windows' weights grow to six times their size.
    let most = 64 << 20
    for form in WinogradForm.forms(g, exact: exact)
    where form.parts == 1 || form.places * form.parts * g.weightCount / g.taps * 4 <= most {
      let steps = vectorSteps(g, lanes: lanes, form)
      if steps < least { (best, least) = (form, steps) }
    }
    return best
  }

  /// Operations in the time in which a vector of weights comes from the second-level cache, from
  /// the third, and from memory, the next ones' prefetch at work, and what transforms take there for
  /// each that they take where products are half as fast: measured on Zen 5, and on Xeons, whose
  /// cores share a narrower way.
  private static let ways: (near: Int, middle: Int, far: Int, transforms: Int) =
    switch dl_cpu_amd_family() {
    case 0: (5, 12, 32, 1)
    case 26...: (5, 6, 15, 2)
    default: (5, 6, 15, 1)
    }

  /// About how many vector operations an image takes in a form, or by the direct sum.
  ///
  /// A product of `n` places with a vector of weights takes `n` operations, but never less than
  /// the way of that vector to the registers, which grows with what all weights take. `dlrun bench
  /// --choices` holds the choice against measurements.
  static func vectorSteps(_ g: ConvGeometry, lanes: Int, _ form: WinogradForm?) -> Int {
    let (into, out) = ((g.channels + lanes - 1) / lanes, (g.outputs + lanes - 1) / lanes)
    let products = (g.channels + 3) / 4 * 4 * out
    let taps = form.map { $0.places * $0.parts } ?? g.taps
    let bytes = taps * products * lanes * 4
    let least =
      bytes <= CacheSizes.level2 / 2 ? ways.near : bytes <= 8 << 20 ? ways.middle : ways.far
    guard let form else { return taps * products * max(g.outputPixels, least) }
    let (rows, columns) = form.tiles(g)
    let tiles = rows * columns
    let steps = into * form.parts * form.steps.input + out * form.steps.output
    // Large images come from further away as well.
    let images = (into * g.inputPixels + out * g.outputPixels) * lanes * 4
    let transforms = tiles * steps * ways.transforms
    return taps * products * max(tiles, least) + transforms
      + (images > 2 * CacheSizes.level2 ? transforms / 2 : 0)
  }

  /// - `form`: one of `WinogradForm.forms`.
  /// - `weights`: `[outputs, channels, height, width]`; `bias`: an element an output, or nil.
  /// - `pack`: where transformed weights are kept.
  ///
  /// Errors: `.budget` when the system has no memory for transformed weights.
  public init(
    _ g: ConvGeometry, form: WinogradForm, lanes: Int, finish: BlockedFinish,
    weights source: UnsafePointer<Float>, bias given: UnsafePointer<Float>?, threads: Int = 1,
    isa: InstructionSet = .current,
    pack: BlockedPacker = .none
  ) throws(EngineError) {
    let isa = isa.blocked(lanes: lanes)
    precondition(isa != .scalar, "no transforms for \(lanes) lanes")
    let filter = try pack.filter("blocked winograd \(form) \(lanes)") {
      (space) throws(EngineError) in
      try BlockedFilter(g, winograd: form, lanes: lanes, source: source, space: space)
    }
    let total = ((g.outputs + lanes - 1) / lanes + 3) * lanes
    self.init(
      g, form: form, lanes: lanes, finish: finish, filter: filter,
      bias: try pack.padded(given, count: g.outputs, total: total), threads: threads, isa: isa,
      like: nil)
  }

  /// Of volumes: see `BlockedConvPlan`.
  init(
    _ g: ConvGeometry, depth: BlockedDepth, form: WinogradForm, lanes: Int, finish: BlockedFinish,
    filter: BlockedFilter, bias: BlockedConstants, threads: Int, isa: InstructionSet
  ) {
    self.init(
      g, form: form, lanes: lanes, finish: finish, filter: filter, bias: bias, threads: threads,
      isa: isa, like: nil, depth: depth)
  }

  /// The same convolution of an image of another size; `g` may differ from the geometry in the
  /// batch and the sizes of images alone.
  public func resized(_ g: ConvGeometry, threads: Int) -> BlockedWinogradPlan {
    BlockedWinogradPlan(
      g, form: form, lanes: lanes, finish: finish, filter: filter, bias: bias, threads: threads,
      isa: isa, like: self)
  }

  private init(
    _ g: ConvGeometry, form: WinogradForm, lanes: Int, finish: BlockedFinish, filter: BlockedFilter,
    bias: BlockedConstants, threads: Int, isa: InstructionSet, like other: BlockedWinogradPlan?,
    depth: BlockedDepth? = nil
  ) {
    (geometry, self.form, self.lanes, self.isa, self.finish) = (g, form, lanes, isa, finish)
    (self.filter, self.bias, self.depth) = (filter, bias, depth)
    after = other.map { $0.after } ?? finish.function(isa)
    inputBlocks = (g.channels + lanes - 1) / lanes
    summedBlocks = inputBlocks * form.parts
    outputBlocks = (g.outputs + lanes - 1) / lanes
    let places = form.places
    let rows: Int
    (rows, columns) = form.tiles(g)
    tiles = rows * columns
    // Weights beyond the second-level cache come from further away once a group.
    isHeavy = filter.byteCount > CacheSizes.level2 / 8 * 5
    let tileBytes = places * (summedBlocks + outputBlocks) * lanes * 4
    let room = (isHeavy ? CacheSizes.level2 : CacheSizes.level2 / 4) / tileBytes
    let most = isHeavy && tiles <= 56 ? tiles : max(isHeavy ? 28 : 14, room / 14 * 14)
    let isParallel = threads > 1 && g.outputCount * g.channels >= 65_536
    let sizes = BlockedSplit.Sizes(
      length: tiles, images: g.batch, leastChunks: (tiles + most - 1) / most,
      shortest: isHeavy ? 24 : 14, groups: filter.groups.count, tile: 14, overhead: 1,
      preparation: 0.15)
    let split = isParallel ? BlockedSplit(sizes, threads: threads) : BlockedSplit(sizes)
    (group, groups, shares) = (split.chunk, split.chunks, split.shares)
    let parts = shares
    // 16 elements beyond a power of two keep the places of a tile out of one set of the cache.
    inStep = summedBlocks * group * lanes + 16
    let list = filter.groups
    let widest = (0..<parts).map { share in
      list[(share * list.count / parts)..<((share + 1) * list.count / parts)]
        .reduce(0) { $0 + $1.blocks }
    }.max()
    outStep = (widest ?? outputBlocks) * group * lanes + 16
    slots = isParallel ? min(g.batch * groups * shares, threads) : 1
    slotBytes = GemmPlan.aligned(places * (inStep + outStep) * 4)
    // A line says which group a slot holds.
    scratchBytes = slots * (64 + slotBytes)
    if let other {
      label = other.label
      return
    }
    let blocks = filter.groups[0].blocks
    let tile = BlockedConvPlan.columns(blocks, 1, isa, isNear: true)
    label = "conv winograd \(form) \(isa) \(tile)x\(blocks)"
  }

  /// Computes the convolution; `residual` is laid out as `y` and may be `y`.
  public func run(
    x: UnsafePointer<Float>, residual: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let units = geometry.batch * groups * shares
    let inPixels = geometry.inputPixels * lanes
    let outCount = outputBlocks * geometry.outputPixels * lanes
    nonisolated(unsafe) let (x, residual, y, scratch) = (x, residual, y, scratch)
    for slot in 0..<slots { (scratch + slot * (64 + slotBytes)).storeBytes(of: -1, as: Int.self) }
    pool.run(units, slots: slots) { unit, slot in
      let memory = scratch + slot * (64 + slotBytes)
      let work = (memory + 64).assumingMemoryBound(to: Float.self)
      let (share, place) = (unit % shares, unit / shares)
      let (first, image) = (place % groups * group, place / groups)
      var k = window
      let met = depth?.met(by: image, blocks: inputBlocks)
      let held = memory.load(as: Int.self)
      // Light weights stay near once they were read: what comes in meanwhile is what is wanted next
      // of the images.
      let isSecond = held >= 0 && !isHeavy && readsAhead
      if held != place {
        let source = x + (met?.first ?? image * inputBlocks) * inPixels
        for part in 0..<form.parts {
          // Each part of the window begins three taps after the one before.
          k.pad.0 = geometry.pads[1] - part / form.partsWide * 3 * k.dilation.0
          k.pad.1 = geometry.pads[2] - part % form.partsWide * 3 * k.dilation.1
          for block in 0..<(met?.blocks ?? inputBlocks) {
            transform(
              &k, first, min(group, tiles - first), source + block * inPixels,
              work + (part * inputBlocks + block) * group * lanes)
          }
        }
        memory.storeBytes(of: place, as: Int.self)
      }
      let residual = residual.map { $0 + image * outCount }
      let ahead = isSecond ? ahead(of: unit, first: first, x: x, residual: residual) : nil
      compute(&k, first, share, met, ahead, residual, y + image * outCount, work)
    }
  }

  /// Whether tiles side by side meet rows of the image side by side.
  private var readsAhead: Bool {
    depth == nil && form.parts == 1 && form.height.stride == 1
      && geometry.dilations.allSatisfy { $0 == 1 }
  }

  /// The inputs of the next unit, and what is added to this one's sums.
  private func ahead(
    of unit: Int, first: Int, x: UnsafePointer<Float>, residual: UnsafePointer<Float>?
  ) -> (MemoryAhead, MemoryAhead) {
    let ours = residual.map {
      MemoryAhead(
        $0, tiles: first..<min(first + group, tiles), of: self, size: geometry.output,
        blocks: outputBlocks, border: 0)
    }
    let next = (unit + 1) / shares
    guard next != unit / shares, next < geometry.batch * groups else {
      return (MemoryAhead(), ours ?? MemoryAhead())
    }
    let start = next % groups * group
    let image = x + next / groups * inputBlocks * geometry.inputPixels * lanes
    let following = MemoryAhead(
      image, tiles: start..<min(start + group, tiles), of: self, size: geometry.input,
      blocks: inputBlocks, border: 2)
    return (following, ours ?? MemoryAhead())
  }

  private var window: dl_blocked_winograd {
    let g = geometry
    return dl_blocked_winograd(
      axis: (form.height.rawValue, form.width.rawValue),
      dilation: (
        form.height == .one ? 1 : g.dilations[1], form.width == .one ? 1 : g.dilations[2]
      ),
      columns: columns, input: (g.input[1], g.input[2]), output: (g.output[1], g.output[2]),
      pad: (g.pads[1], g.pads[2]), in_step: inStep, out_step: outStep, form: finish.code,
      low: finish.low, high: finish.high, after: after,
      numbers: (Double(finish.low), Double(finish.high)))
  }

  /// One share of the outputs of the group of tiles that begins with `first`.
  private func compute(
    _ k: inout dl_blocked_winograd, _ first: Int, _ share: Int, _ met: BlockedDepth.Met?,
    _ ahead: (MemoryAhead, MemoryAhead)?, _ residual: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ inputs: UnsafeMutablePointer<Float>
  ) {
    let count = min(group, tiles - first)
    let sums = inputs + form.places * inStep
    let outPlane = geometry.outputPixels * lanes
    let list = filter.groups
    let part = (share * list.count / shares)..<((share + 1) * list.count / shares)
    guard let low = part.first, let high = part.last else { return }
    let start = list[low].first
    multiply(count, part, met, ahead, inputs, sums)
    let biases = bias.bytes.assumingMemoryBound(to: Float.self)
    for block in start..<(list[high].first + list[high].blocks) {
      transformBack(
        &k, first, count, sums + (block - start) * group * lanes, biases + block * lanes,
        residual.map { $0 + block * outPlane }, y + block * outPlane)
    }
  }

  private func multiply(
    _ count: Int, _ part: Range<Int>, _ met: BlockedDepth.Met?,
    _ ahead: (MemoryAhead, MemoryAhead)?, _ inputs: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    let step = group * lanes
    let skipped = (met?.skipped ?? 0) * lanes * lanes
    var c = dl_blocked_conv(
      in_blocks: met?.blocks ?? summedBlocks, last_fours: filter.groups[0].lastFours,
      block_step: step,
      taps: (1, 1),
      tap_step: (0, 0), row_step: 0, pixel_step: lanes, out_block: step, out_row: 0,
      out_pixel: lanes, tile_rows: 1, tile: 1, is_plain: 0, is_half: 0,
      form: BlockedFinish.none.code, low: 0, high: 0, after: nil, numbers: (0, 0), next: nil,
      next_bytes: 0)
    let zeros = bias.bytes.assumingMemoryBound(to: Float.self) + outputBlocks * lanes
    let start = filter.groups[part.lowerBound].first
    let places = form.places
    let depth = (summedBlocks - 1) * lanes + filter.groups[0].lastFours * 4
    for place in 0..<places {
      for i in part {
        let group = filter.groups[i]
        c.tile = BlockedConvPlan.columns(group.blocks, 1, isa, isNear: true)
        BlockedConvPlan.halve(&c, group, isa, isNear: true)
        let w = filter.weights + place * filter.step + group.offset + skipped * group.blocks
        let input = inputs + place * inStep
        let out = sums + place * outStep + (group.first - start) * step
        // The next group of this place, or the first of the next one.
        let isLast = i + 1 == part.upperBound
        let following = filter.groups[isLast ? part.lowerBound : i + 1]
        c.next = UnsafeRawPointer(
          filter.weights + (isLast ? place + 1 : place) * filter.step + following.offset)
        c.next_bytes = following.blocks * depth * lanes * 4
        if isLast && place + 1 == places { c.next = nil }
        if let ahead {
          // The next group's inputs first, then what is added to this one's sums.
          let steps = places / 2 * part.count
          let step = place * part.count + i - part.lowerBound
          (c.next, c.next_bytes) =
            step < steps ? ahead.0.part(step, of: steps) : ahead.1.part(step - steps, of: steps)
        }
        #if arch(x86_64)
          if isa == .avx512 {
            dl_blocked_conv_f32__avx512(&c, group.blocks, 1, count, input, w, zeros, nil, out)
          } else {
            dl_blocked_conv_f32__avx2(&c, group.blocks, 1, count, input, w, zeros, nil, out)
          }
        #endif
      }
    }
  }

  private func transform(
    _ k: inout dl_blocked_winograd, _ first: Int, _ count: Int, _ x: UnsafePointer<Float>,
    _ to: UnsafeMutablePointer<Float>
  ) {
    #if arch(x86_64)
      if isa == .avx512 {
        dl_blocked_winograd_input_f32__avx512(&k, first, count, x, to)
      } else {
        dl_blocked_winograd_input_f32__avx2(&k, first, count, x, to)
      }
    #endif
  }

  private func transformBack(
    _ k: inout dl_blocked_winograd, _ first: Int, _ count: Int, _ sums: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>, _ residual: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>
  ) {
    #if arch(x86_64)
      if isa == .avx512 {
        dl_blocked_winograd_output_f32__avx512(&k, first, count, sums, bias, residual, y)
      } else {
        dl_blocked_winograd_output_f32__avx2(&k, first, count, sums, bias, residual, y)
      }
    #endif
  }
}
