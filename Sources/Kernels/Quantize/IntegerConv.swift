import CKernels
import Tensors

/// Convolution of 8-bit integers with sums in int32, over at most three spatial axes.
///
/// Windows are laid out as columns of codes, a tile of output positions at a time, and multiplied with
/// the codes of the weights (`ByteProductPlan`); where a group has one channel, its taps are added up
/// where they lie. Sums wrap modulo 2^32, so results do not depend on any order.
public struct IntegerConv: Sendable {
  /// Sizes, every list with one element a spatial axis.
  public struct Geometry: Sendable {
    public let batch: Int
    public let groups: Int
    /// Channels of X, and of Y, in one group.
    public let inputs: Int
    public let outputs: Int
    let kernel: Axes
    let strides: Axes
    let dilations: Axes
    let pads: Axes
    let input: Axes
    let output: Axes
    struct Axes: Sendable {
      let d: Int
      let h: Int
      let w: Int
      /// Up to three numbers, `missing` before them.
      init(_ list: [Int], missing: Int) {
        let all = Array(repeating: missing, count: max(0, 3 - list.count)) + list
        (d, h, w) = (all[0], all[1], all[2])
      }
      var product: Int { d * h * w }
      var sum: Int { d + h + w }
      var tuple: (Int, Int, Int) { (d, h, w) }
    }

    public init(
      batch: Int, groups: Int, inputs: Int, outputs: Int, kernel: [Int], strides: [Int],
      dilations: [Int], pads: [Int], input: [Int], output: [Int]
    ) {
      precondition(kernel.count <= 3, "at most three spatial axes")
      self.batch = batch
      self.groups = groups
      self.inputs = inputs
      self.outputs = outputs
      self.kernel = Axes(kernel, missing: 1)
      self.strides = Axes(strides, missing: 1)
      self.dilations = Axes(dilations, missing: 1)
      self.pads = Axes(pads, missing: 0)
      self.input = Axes(input, missing: 1)
      self.output = Axes(output, missing: 1)
    }
    /// Length of the sums.
    public var depth: Int { inputs * kernel.product }
    public var positions: Int { output.product }
  }

  public let geometry: Geometry
  private let xIsSigned: Bool
  private let wIsSigned: Bool
  private let tile: Int
  private let tiles: Int
  private let pieces: Int
  /// The product of a whole tile and that of the last one; none where taps are added up.
  private let plans: [ByteProductPlan]
  private let window: dl_window
  private let isa: InstructionSet
  /// Whether columns are the image as it lies.
  private let isPlain: Bool
  // Bytes of a piece: columns, sums, the products' own.
  private let sumsAt: Int
  private let ownAt: Int
  private let pieceBytes: Int

  public init(
    _ geometry: Geometry, xIsSigned: Bool, wIsSigned: Bool, threads: Int,
    isa: InstructionSet = .current
  ) {
    let g = geometry
    self.geometry = geometry
    (self.xIsSigned, self.wIsSigned, self.isa) = (xIsSigned, wIsSigned, isa)
    window = dl_window(
      input: g.input.tuple, output: g.output.tuple, kernel: g.kernel.tuple,
      stride: g.strides.tuple, dilation: g.dilations.tuple, pad: g.pads.tuple)
    let (k, positions) = (geometry.depth, geometry.positions)
    let addsTaps = g.inputs == 1 && g.outputs <= 4
    isPlain =
      g.kernel.product == 1 && g.strides.product == 1 && g.pads.sum == 0
      && g.input.product == positions
    // Columns stay in the second-level cache, and every thread has some.
    let room = max(64, CacheSizes.level2 / 4 / max(k, 1)) / 64 * 64
    let images = max(1, geometry.batch * geometry.groups)
    let parts = (max(1, threads) + images - 1) / images
    let share = ((positions + parts - 1) / parts + 63) / 64 * 64
    tile = addsTaps ? max(1, positions) : max(1, min(positions, room, share))
    tiles = (positions + tile - 1) / tile
    pieces = max(1, min(threads, geometry.batch * geometry.groups * tiles))
    var plans: [ByteProductPlan] = []
    for n in [tile, positions - max(0, tiles - 1) * tile] where !addsTaps {
      plans.append(
        ByteProductPlan(
          m: g.outputs, n: n, k: k, aIsSigned: wIsSigned, bIsSigned: xIsSigned,
          along: isPlain ? positions : n, hasZerosOfB: true, isa: isa))
    }
    self.plans = plans
    let own = plans.map(\.scratchBytes).max() ?? 0
    sumsAt = addsTaps || isPlain ? 0 : GemmPlan.aligned(k * tile)
    ownAt = sumsAt + GemmPlan.aligned((addsTaps ? 1 : g.outputs) * tile * 4)
    pieceBytes = GemmPlan.aligned(ownAt + own)
  }

  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { pieces * pieceBytes }

  /// Calls `finish(channel, place, sums, n)` for every stretch of `n` results: they belong to
  /// channel `channel` of Y and stand at `place` of it.
  ///
  /// - `zero`: x's zero point. `weights`: codes, `[groups * outputs, depth]`.
  /// - `weightZeros`: their zero points, of their type, `weightZeroStep` (0 or 1) apart from channel
  ///   to channel; nil where they are 0.
  public func run(
    _ x: UnsafeRawPointer, zero: Int32, weights: UnsafeRawPointer, weightZeros: UnsafeRawPointer?,
    weightZeroStep: Int, scratch: UnsafeMutableRawPointer, pool: ThreadPool,
    finish: (Int, Int, UnsafePointer<Int32>, Int) -> Void
  ) {
    let g = geometry
    let (k, positions, imageSize) = (g.depth, g.positions, g.inputs * g.input.product)
    let jobs = g.batch * g.groups * tiles
    func weightZero(_ channel: Int) -> Int32 {
      weightZeros.map { QuantizedBytes.code($0, channel * weightZeroStep, isSigned: wIsSigned) }
        ?? 0
    }
    pool.run(pieces) { piece in
      let own = scratch + piece * pieceBytes
      let columns = own.assumingMemoryBound(to: UInt8.self)
      let sums = (own + sumsAt).assumingMemoryBound(to: Int32.self)
      var job = piece
      while job < jobs {
        let (image, t) = (job / tiles, job % tiles)
        let channel = image % g.groups * g.outputs
        let first = t * tile
        let n = min(tile, positions - first)
        let source = (x + image * imageSize).assumingMemoryBound(to: UInt8.self)
        let codes = weights + channel * k
        if plans.isEmpty {
          for m in 0..<g.outputs {
            addTaps(
              source, zero, (codes + m * k).assumingMemoryBound(to: UInt8.self),
              weightZero(channel + m), sums)
            finish(channel + m, (image * g.outputs + m) * positions, sums, positions)
          }
        } else {
          var b = UnsafePointer(columns)
          if isPlain {
            b = source + first
          } else {
            withUnsafePointer(to: window) { w in
              dl_byte_columns(
                columns, source, w, g.inputs, first, n, UInt8(truncatingIfNeeded: zero))
            }
          }
          let along = isPlain ? positions : n
          multiply(
            plans[t == tiles - 1 ? 1 : 0], codes, b, along, zero, sums, own + ownAt
          ) { weightZero(channel + $0) }
          for m in 0..<g.outputs {
            finish(channel + m, (image * g.outputs + m) * positions + first, sums + m * n, n)
          }
        }
        job += pieces
      }
    }
  }

  private func addTaps(
    _ x: UnsafePointer<UInt8>, _ zero: Int32, _ codes: UnsafePointer<UInt8>, _ weightZero: Int32,
    _ y: UnsafeMutablePointer<Int32>
  ) {
    let count = geometry.depth
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(1, count)) { taps in
      guard let taps = taps.baseAddress else { return }
      for t in 0..<count {
        taps[t] = QuantizedBytes.code(codes, t, isSigned: wIsSigned) &- weightZero
      }
      let isSigned: Int32 = xIsSigned ? 1 : 0
      withUnsafePointer(to: window) { w in
        #if arch(x86_64)
          if isa >= .avx512 { return dl_byte_taps__avx512(y, x, taps, w, zero, isSigned) }
          if isa >= .avx2 { return dl_byte_taps__avx2(y, x, taps, w, zero, isSigned) }
        #endif
        dl_byte_taps__scalar(y, x, taps, w, zero, isSigned)
      }
    }
  }

  /// The sums of codes less their zero points. The first zero point of the weights enters the
  /// product, others its sums.
  private func multiply(
    _ plan: ByteProductPlan, _ codes: UnsafeRawPointer, _ b: UnsafePointer<UInt8>, _ along: Int,
    _ zero: Int32, _ sums: UnsafeMutablePointer<Int32>, _ scratch: UnsafeMutableRawPointer,
    weightZero: (Int) -> Int32
  ) {
    var values = ByteProductValues()
    let common = weightZero(0)
    values.aZero = common
    withUnsafeBytes(of: UInt8(truncatingIfNeeded: zero)) { point in
      values.bZeros = point.baseAddress
      plan.run(a: codes, b: b, values, y: sums, scratch: scratch, pool: .single)
    }
    let n = plan.n
    guard (1..<max(1, plan.m)).contains(where: { weightZero($0) != common }) else { return }
    for j in 0..<n {
      var column: Int32 = 0
      for i in 0..<plan.k {
        column &+= QuantizedBytes.code(b, i * along + j, isSigned: xIsSigned) &- zero
      }
      for m in 0..<plan.m {
        sums[m * n + j] = sums[m * n + j] &- (weightZero(m) &- common) &* column
      }
    }
  }
}
