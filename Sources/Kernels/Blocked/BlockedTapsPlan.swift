import CKernels
import Tensors

/// A convolution on blocked images as a sum of its taps: each is a 1x1 convolution of the part of the
/// image that it meets, added to the part of the result that meets it.
///
/// Windows with many pixels between their taps meet the image with few of them: of 3x3 taps 24
/// pixels apart on an image of 32x32 a quarter of the products remain, and nothing is copied between
/// zeros.
/// Sums run over taps, the one that all outputs meet last, then input blocks and lanes; results do
/// not depend on the number of threads.
public struct BlockedTapsPlan: Sendable {
  public let label: String

  /// A tap, the outputs that it meets, and the input that the first of these does.
  private struct Tap: Sendable {
    let place: (row: Int, column: Int)
    let rows: Range<Int>
    let columns: Range<Int>
    let input: (row: Int, column: Int)

    init?(_ g: ConvGeometry, _ row: Int, _ column: Int) {
      func met(_ tap: Int, _ i: Int) -> (outputs: Range<Int>, input: Int) {
        let start = tap * g.dilations[i] - g.pads[i]
        let first = max(0, -start)
        let end = min(g.output[i], g.input[i] - start)
        return (first..<max(first, end), first + start)
      }
      let (vertical, horizontal) = (met(row, 1), met(column, 2))
      if vertical.outputs.isEmpty || horizontal.outputs.isEmpty { return nil }
      place = (row, column)
      (rows, columns) = (vertical.outputs, horizontal.outputs)
      input = (vertical.input, horizontal.input)
    }

    /// Pixels whose products take as long: a tile of few columns takes as long as one of 8.
    var steps: Int {
      let tiles = (columns.count + 13) / 14
      return rows.count * max(columns.count, 8 * tiles)
    }
  }
  private let geometry: ConvGeometry
  private let lanes: Int
  private let isa: InstructionSet
  private let finish: BlockedFinish
  private let after: dl_unary_fn?
  /// The last one meets all outputs.
  private let taps: [Tap]
  private let filters: [BlockedFilter]
  /// Bias of every lane, then zeros for the sums before the last.
  private let bias: BlockedConstants
  private let bands: Int
  private let isParallel: Bool

  private static func taps(_ g: ConvGeometry) -> [Tap]? {
    var list: [Tap] = []
    var whole: Tap?
    for row in 0..<g.kernel[1] {
      for column in 0..<g.kernel[2] {
        guard let tap = Tap(g, row, column) else { continue }
        let meetsAll = tap.rows.count == g.output[1] && tap.columns.count == g.output[2]
        if meetsAll && whole == nil { whole = tap } else { list.append(tap) }
      }
    }
    return whole.map { list + [$0] }
  }

  /// Whether that pays, beside the direct sum and `form` of Winograd's algorithm.
  public static func pays(
    _ g: ConvGeometry, lanes: Int, finish: BlockedFinish, form: WinogradForm?,
    isa: InstructionSet = .current
  ) -> Bool {
    guard g.groups == 1, g.kernel[0] == 1, g.output[0] == 1, g.input[0] == 1,
      g.strides == [1, 1, 1], g.dilations.contains(where: { $0 > 1 }), g.taps > 1,
      isa.blocked(lanes: lanes) != .scalar, finish.keepsZero || g.outputs % lanes == 0,
      let taps = taps(g)
    else { return false }
    let blocks = (g.outputs + lanes - 1) / lanes
    let own = taps.reduce(0) { $0 + $1.steps } * (g.channels + 3) / 4 * 4 * blocks
    return own * 5 / 4 < BlockedWinogradPlan.vectorSteps(g, lanes: lanes, form)
  }

  /// - `weights`: `[outputs, channels, height, width]`; `bias`: an element an output, or nil.
  /// - `pack`: where packed weights are kept.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights; `.unsupported` where no tap
  /// meets all outputs.
  public init(
    _ g: ConvGeometry, lanes: Int, finish: BlockedFinish, weights: UnsafePointer<Float>,
    bias given: UnsafePointer<Float>?, threads: Int = 1, isa: InstructionSet = .current,
    pack: BlockedPacker = .none
  ) throws(EngineError) {
    guard let taps = Self.taps(g) else {
      throw EngineError(
        .unsupported, "no tap of the window meets all outputs", expected: "one that does",
        received: "\(g.kernel) by \(g.dilations)")
    }
    let isa = isa.blocked(lanes: lanes)
    (geometry, self.lanes, self.isa, self.finish, self.taps) = (g, lanes, isa, finish, taps)
    after = finish.function(isa)
    let one = ConvGeometry(
      batch: 1, groups: 1, channels: g.channels, outputs: g.outputs, input: [1, 1], output: [1, 1],
      kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0])
    var filters: [BlockedFilter] = []
    for tap in taps {
      let (row, column) = tap.place
      let at = row * g.kernel[2] + column
      filters.append(
        try pack.filter("blocked tap \(at) \(lanes)") { (space) throws(EngineError) in
          let count = g.outputs * g.channels
          let source = UnsafeMutablePointer<Float>.allocate(capacity: count)
          defer { source.deallocate() }
          for i in 0..<count { (source + i).initialize(to: weights[i * g.taps + at]) }
          return try BlockedFilter(
            one, lanes: lanes, isPlain: false, widest: 3, source: source, isa: isa, space: space)
        })
    }
    self.filters = filters
    let blocks = (g.outputs + lanes - 1) / lanes
    bias = try pack.padded(given, count: g.outputs, total: (blocks + 3) * lanes)
    isParallel = threads > 1 && g.outputCount * g.channels >= 65_536
    let groups = filters[0].groups.count * g.batch
    bands = isParallel ? min(g.output[1], (4 * threads + groups - 1) / groups) : 1
    label = "conv by taps \(isa) \(taps.count) of \(g.taps)"
  }

  /// Computes the convolution; `residual` is laid out as `y` and may be `y`.
  public func run(
    x: UnsafePointer<Float>, residual: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
    pool: ThreadPool
  ) {
    let groups = filters[0].groups.count
    let units = geometry.batch * groups * bands
    nonisolated(unsafe) let (x, residual, y) = (x, residual, y)
    let body = { (unit: Int) in
      let (band, group) = (unit % bands, unit / bands % groups)
      let height = geometry.output[1]
      let rows = (band * height / bands)..<((band + 1) * height / bands)
      sum(group, rows, image: unit / bands / groups, x, residual, y)
    }
    if isParallel { pool.run(units, body) } else { for unit in 0..<units { body(unit) } }
  }

  /// Rows of one group of output blocks.
  private func sum(
    _ index: Int, _ rows: Range<Int>, image: Int, _ x: UnsafePointer<Float>,
    _ residual: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let group = filters[0].groups[index]
    let (width, wide) = (g.output[2] * lanes, g.input[2] * lanes)
    let (plane, inPlane) = (g.outputPixels * lanes, g.inputPixels * lanes)
    let outputBlocks = (g.outputs + lanes - 1) / lanes
    let start = (image * outputBlocks + group.first) * plane
    let out = y + start
    let input = x + image * group.inputBlocks * inPlane
    for block in 0..<group.blocks {
      let at = block * plane + rows.lowerBound * width
      let count = rows.count * width
      if let residual {
        let from = residual + start + at
        if from != UnsafePointer(out + at) { (out + at).update(from: from, count: count) }
      } else {
        (out + at).update(repeating: 0, count: count)
      }
    }
    let biases = bias.bytes.assumingMemoryBound(to: Float.self)
    var c = dl_blocked_conv(
      in_blocks: group.inputBlocks, last_fours: group.lastFours, block_step: inPlane, taps: (1, 1),
      tap_step: (0, 0), row_step: wide, pixel_step: lanes, out_block: plane, out_row: width,
      out_pixel: lanes, tile_rows: 1,
      tile: BlockedConvPlan.columns(group.blocks, 1, isa, isNear: true), is_plain: 0,
      is_half: 0, form: BlockedFinish.none.code, low: 0, high: 0, after: nil, numbers: (0, 0),
      next: nil, next_bytes: 0)
    BlockedConvPlan.halve(&c, group, isa, isNear: true)
    let depth = (group.inputBlocks - 1) * lanes + group.lastFours * 4
    for (i, tap) in taps.enumerated() {
      let met = tap.rows.clamped(to: rows)
      let isLast = i + 1 == taps.count
      if met.isEmpty { continue }
      c.next = isLast ? nil : UnsafeRawPointer(filters[i + 1].weights + group.offset)
      c.next_bytes = isLast ? 0 : depth * group.blocks * lanes * 4
      if isLast {
        (c.form, c.low, c.high, c.after) = (finish.code, finish.low, finish.high, after)
        c.numbers = (Double(finish.low), Double(finish.high))
      }
      let from = (tap.input.row + met.lowerBound - tap.rows.lowerBound) * wide
      let to = out + met.lowerBound * width + tap.columns.lowerBound * lanes
      let own = isLast ? biases + group.first * lanes : biases + outputBlocks * lanes
      #if arch(x86_64)
        let w = filters[i].weights + group.offset
        let first = input + from + tap.input.column * lanes
        if isa == .avx512 {
          dl_blocked_conv_f32__avx512(
            &c, group.blocks, met.count, tap.columns.count, first, w, own, to, to)
        } else {
          dl_blocked_conv_f32__avx2(
            &c, group.blocks, met.count, tap.columns.count, first, w, own, to, to)
        }
      #endif
    }
  }
}
