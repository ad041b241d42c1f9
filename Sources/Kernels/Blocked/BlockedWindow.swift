import CKernels
import Tensors

/// A window that slides over each block of channels by itself: depthwise convolution, or one of groups
/// that are narrower than a block, and poolings on blocked images.
public struct BlockedWindow: Sendable {
  /// Numbers of the window along height and width.
  public struct Axes: Hashable, Sendable {
    public let input: [Int]
    public let output: [Int]
    public let kernel: [Int]
    public let strides: [Int]
    public let dilations: [Int]
    public let pads: [Int]

    /// Two elements each.
    public init(
      input: [Int], output: [Int], kernel: [Int], strides: [Int], dilations: [Int], pads: [Int]
    ) {
      for list in [input, output, kernel, strides, dilations, pads] {
        precondition(list.count == 2, "\(list.count) spatial axes")
      }
      (self.input, self.output, self.kernel) = (input, output, kernel)
      (self.strides, self.dilations, self.pads) = (strides, dilations, pads)
    }

    private init(_ other: Axes, input: [Int], output: [Int], pads: [Int]) {
      (self.input, self.output, self.pads) = (input, output, pads)
      (kernel, strides, dilations) = (other.kernel, other.strides, other.dilations)
    }

    /// The same window over an image of another size; two elements each.
    public func resized(input: [Int], output: [Int], pads: [Int]) -> Axes {
      precondition(input.count == 2 && output.count == 2 && pads.count == 2, "two spatial axes")
      return Axes(self, input: input, output: output, pads: pads)
    }

    /// Taps at output `o` along axis `i` that fall inside `before` places ahead of the input to
    /// `behind` places after it.
    public func taps(_ o: Int, _ i: Int, before: Int = 0, behind: Int = 0) -> Int {
      let first = o * strides[i] - pads[i]
      return (0..<kernel[i]).count {
        let at = first + $0 * dilations[i]
        return at >= -before && at < input[i] + behind
      }
    }
    /// Whether every window holds an element of the input.
    public var isNeverEmpty: Bool {
      (0...1).allSatisfy { i in (0..<output[i]).allSatisfy { taps($0, i) > 0 } }
    }
  }

  public enum Kind: Sendable {
    case depthwise(BlockedFinish)
    case max
    case average
  }

  public let label: String
  let kind: Kind
  /// Sizes and steps of the window.
  public let axes: Axes
  /// Channels of a convolution's group.
  let group: Int
  /// A third axis, whose planes are images one after another; nil for images.
  let depth: BlockedDepth?
  /// Blocks of all images.
  let planes: Int
  /// Blocks of one image.
  let blocks: Int
  let lanes: Int
  /// Lanes of the last block that are channels, where others must be cleared.
  let valid: Int?
  let isa: InstructionSet
  /// Depthwise: weights `[blocks][planes][taps][lanes]`. Averages: divisors of rows, then
  /// columns.
  let constants: BlockedConstants
  let bias: BlockedConstants?
  let rows: Int
  let chunks: Int
  let pieces: Int
  let after: dl_unary_fn?

  private init(
    _ kind: Kind, _ axes: Axes, batch: Int, blocks: Int, lanes: Int, valid: Int?,
    constants: BlockedConstants, bias: BlockedConstants? = nil, threads: Int, isa: InstructionSet,
    label: String, like other: BlockedWindow? = nil, depth: BlockedDepth? = nil, group: Int = 1
  ) {
    let isa = isa.blocked(lanes: lanes)
    self.group = group
    self.depth = depth
    (self.kind, self.axes, self.blocks, self.lanes, self.valid) = (kind, axes, blocks, lanes, valid)
    (self.constants, self.bias, self.isa) = (constants, bias, isa)
    planes = batch * blocks
    self.label = other.map { $0.label } ?? "\(label) \(isa)"
    let work = planes * axes.output[0] * axes.output[1] * lanes
    let isParallel = threads > 1 && work >= 16_384
    let height = axes.output[0]
    // Threads share out rows, as convolutions before and after do, where each gets enough of them
    // that those under the windows of two threads do not count; planes otherwise.
    let each = isParallel ? Swift.max(1, (threads * 4 + planes - 1) / planes) : 1
    let wanted =
      isParallel && height >= 7 * threads ? (each + threads - 1) / threads * threads : each
    rows = Swift.max(1, (height + wanted - 1) / wanted)
    chunks = (height + rows - 1) / rows
    pieces = isParallel ? Swift.min(planes * chunks, threads * 4) : 1
    if let other {
      after = other.after
    } else if case .depthwise(let finish) = kind {
      after = finish.function(isa)
    } else {
      after = nil
    }
  }

  /// The same window over images of another size.
  public func resized(_ axes: Axes, batch: Int, threads: Int) -> BlockedWindow {
    BlockedWindow(
      kind, axes, batch: batch, blocks: blocks, lanes: lanes, valid: valid, constants: constants,
      bias: bias, threads: threads, isa: isa, label: "", like: self, group: group)
  }

  /// A convolution of each channel with a kernel of its own.
  ///
  /// - `weights`: `[channels, taps]`; `bias`: an element a channel, or nil.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights.
  public init(
    depthwise axes: Axes, batch: Int, channels: Int, lanes: Int, finish: BlockedFinish,
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, threads: Int = 1,
    isa: InstructionSet = .current, pack: BlockedPacker = .none
  ) throws(EngineError) {
    try self.init(
      axes, nil, images: batch, channels: channels, group: 1, lanes: lanes, finish: finish,
      weights: weights, bias: bias, threads: threads, isa: isa, pack: pack)
  }

  /// Whether each block is a sum over itself: as many outputs as channels, in groups of one or of 2, 4
  /// or 8 that do not fill a block, and no dilation along the depth.
  public static func takes(_ g: ConvGeometry, lanes: Int) -> Bool {
    guard g.channels == g.outputs, g.dilations[0] == 1 else { return false }
    if g.channels == 1 { return true }
    let isNear = g.strides[2] == 1 || (g.strides[2] == 2 && g.kernel[2] > 1)
    return g.groups > 1 && [2, 4, 8].contains(g.channels) && g.channels < lanes && isNear
      && [1, 3, 5, 7].contains(g.kernel[2]) && g.dilations[2] == 1
  }

  /// The same for groups, and over three axes, of which planes along the first are images one after
  /// another. `weights`: `[outputs of all groups, channels, taps]`.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights.
  public init(
    depthwise g: ConvGeometry, lanes: Int, finish: BlockedFinish, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, threads: Int = 1, isa: InstructionSet = .current,
    pack: BlockedPacker = .none
  ) throws(EngineError) {
    precondition(Self.takes(g, lanes: lanes), "no such window")
    func flat(_ list: [Int]) -> [Int] { Array(list.dropFirst()) }
    let axes = Axes(
      input: flat(g.input), output: flat(g.output), kernel: flat(g.kernel),
      strides: flat(g.strides), dilations: flat(g.dilations), pads: flat(g.pads))
    try self.init(
      axes, g.kernel[0] > 1 || g.input[0] > 1 ? BlockedDepth(g) : nil,
      images: g.batch * g.output[0], channels: g.groups * g.channels, group: g.channels,
      lanes: lanes, finish: finish, weights: weights, bias: bias, threads: threads, isa: isa,
      pack: pack)
  }

  private init(
    _ axes: Axes, _ depth: BlockedDepth?, images: Int, channels: Int, group: Int, lanes: Int,
    finish: BlockedFinish, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, threads: Int,
    isa: InstructionSet, pack: BlockedPacker
  ) throws(EngineError) {
    let blocks = (channels + lanes - 1) / lanes
    let rows = (depth?.kernel ?? 1) * axes.kernel[0]
    let taps = rows * group * axes.kernel[1]
    let packed = try pack.taps("blocked depthwise \(group) \(taps) \(lanes)") {
      (space) throws(EngineError) in
      guard group > 1 else {
        return try BlockedConstants(
          taps: taps, channels: channels, lanes: lanes, weights, space: space)
      }
      let turned = Self.turned(
        weights, channels: channels, group: group, rows: rows, width: axes.kernel[1])
      return try BlockedConstants(
        taps: taps, channels: channels, lanes: lanes, turned, space: space)
    }
    let padded = try pack.padded(bias, count: channels, total: blocks * lanes)
    let rest = channels - (blocks - 1) * lanes
    self.init(
      .depthwise(finish), axes, batch: images, blocks: blocks, lanes: lanes,
      valid: rest < lanes && !finish.keepsZero ? rest : nil, constants: packed, bias: padded,
      threads: threads, isa: isa,
      label: "conv \(group == 1 ? "depthwise" : "grouped") blocked"
        + (depth == nil ? "" : " of planes"), depth: depth, group: group)
  }

  /// Weights `[channels, group, rows, width]` as `[channels, rows, group, width]`.
  private static func turned(
    _ weights: UnsafePointer<Float>, channels: Int, group: Int, rows: Int, width: Int
  ) -> [Float] {
    var list: [Float] = []
    list.reserveCapacity(channels * group * rows * width)
    for m in 0..<channels {
      for row in 0..<rows {
        for j in 0..<group {
          let from = weights + ((m * group + j) * rows + row) * width
          list += UnsafeBufferPointer(start: from, count: width)
        }
      }
    }
    return list
  }

  /// The largest element; every window must hold one.
  public init(
    max axes: Axes, batch: Int, blocks: Int, lanes: Int, threads: Int = 1,
    isa: InstructionSet = .current
  ) throws(EngineError) {
    self.init(
      .max, axes, batch: batch, blocks: blocks, lanes: lanes, valid: nil,
      constants: try BlockedConstants(nil, count: 0, total: 0), threads: threads, isa: isa,
      label: "max pool blocked")
  }

  /// The mean; `counts` has the divisors of every row, then of every column.
  public init(
    average axes: Axes, counts: [Int], batch: Int, blocks: Int, lanes: Int, threads: Int = 1,
    isa: InstructionSet = .current
  ) throws(EngineError) {
    precondition(counts.count == axes.output[0] + axes.output[1], "\(counts.count) divisors")
    let divisors = counts.map { Float($0) }
    let memory = try divisors.withUnsafeBufferPointer { (list) throws(EngineError) in
      try BlockedConstants(list.baseAddress, count: list.count, total: list.count)
    }
    self.init(
      .average, axes, batch: batch, blocks: blocks, lanes: lanes, valid: nil, constants: memory,
      threads: threads, isa: isa, label: "average pool blocked")
  }

  /// Computes all outputs; `residual` is laid out as `y`, and only convolutions take it.
  public func run(
    x: UnsafePointer<Float>, residual: UnsafePointer<Float>? = nil,
    y: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let units = planes * chunks
    let inCount = axes.input[0] * axes.input[1] * lanes
    let outCount = axes.output[0] * axes.output[1] * lanes
    nonisolated(unsafe) let (x, residual, y) = (x, residual, y)
    pool.run(pieces) { piece in
      var d = window
      for unit in (piece * units / pieces)..<((piece + 1) * units / pieces) {
        let (part, image, block) = place(unit)
        let plane = image * blocks + block
        let first = part * rows
        let count = Swift.min(rows, axes.output[0] - first)
        var (source, skipped) = (plane, 0)
        if let depth {
          let met = depth.met(by: image, blocks: depth.kernel)
          (source, skipped) = (met.first * blocks + block, met.skipped)
          (d.planes, d.plane_step) = (met.blocks, blocks * inCount)
        }
        runPlane(
          &d, block, first, count, x + source * inCount, residual.map { $0 + plane * outCount },
          y + plane * outCount, skipped: skipped)
      }
    }
  }

  /// The chunk, image and block of a unit. Neighbouring planes of a block of a volume follow one
  /// another, whose windows meet the same planes.
  private func place(_ unit: Int) -> (chunk: Int, image: Int, block: Int) {
    guard let depth else {
      return (unit / blocks % chunks, unit / blocks / chunks, unit % blocks)
    }
    let (at, outer) = (unit % depth.output, unit / depth.output)
    let volume = outer / chunks / blocks
    return (outer % chunks, volume * depth.output + at, outer / chunks % blocks)
  }

  var window: dl_blocked_depthwise {
    func two(_ list: [Int]) -> (Int, Int) { (list[0], list[1]) }
    var finish = BlockedFinish.none
    if case .depthwise(let given) = kind { finish = given }
    return dl_blocked_depthwise(
      input: two(axes.input), output: two(axes.output), taps: two(axes.kernel),
      stride: two(axes.strides), dilation: two(axes.dilations), pad: two(axes.pads), planes: 1,
      plane_step: 0, group: group, form: finish.code, low: finish.low, high: finish.high,
      after: after,
      numbers: (Double(finish.low), Double(finish.high)))
  }

  /// Rows of one block of the result; `x` is the block's image, of which `d` may be a part.
  /// `skipped`: planes of the weights that meet padding, before those that `d` names.
  func runPlane(
    _ d: inout dl_blocked_depthwise, _ block: Int, _ first: Int, _ count: Int,
    _ x: UnsafePointer<Float>, _ z: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>,
    skipped: Int = 0
  ) {
    let numbers = constants.bytes.assumingMemoryBound(to: Float.self)
    switch kind {
    case .depthwise:
      let taps = axes.kernel[0] * axes.kernel[1] * group
      let biases = (bias ?? constants).bytes.assumingMemoryBound(to: Float.self)
      let place = block * (depth?.kernel ?? 1) + skipped
      let (w, b) = (numbers + place * taps * lanes, biases + block * lanes)
      switch isa {
      #if arch(x86_64)
        case .avx512 where group > 1:
          dl_blocked_grouped_f32__avx512(&d, first, count, x, w, b, z, y)
        case .avx512: dl_blocked_depthwise_f32__avx512(&d, first, count, x, w, b, z, y)
        case .avx2 where group > 1:
          dl_blocked_grouped_f32__avx2(&d, first, count, x, w, b, z, y)
        case .avx2: dl_blocked_depthwise_f32__avx2(&d, first, count, x, w, b, z, y)
      #endif
      default: dl_blocked_depthwise_f32__scalar(&d, first, count, x, w, b, z, y, lanes)
      }
      if let valid, block == blocks - 1 {
        let width = axes.output[1]
        dl_blocked_clear_lanes_f32(y + first * width * lanes, count * width, valid, lanes)
      }
    case .max:
      switch isa {
      #if arch(x86_64)
        case .avx512: dl_blocked_max_pool_f32__avx512(&d, first, count, x, y)
        case .avx2: dl_blocked_max_pool_f32__avx2(&d, first, count, x, y)
      #endif
      default: dl_blocked_max_pool_f32__scalar(&d, first, count, x, y, lanes)
      }
    case .average:
      let columns = numbers + axes.output[0]
      switch isa {
      #if arch(x86_64)
        case .avx512:
          dl_blocked_average_pool_f32__avx512(&d, first, count, x, y, numbers, columns)
        case .avx2: dl_blocked_average_pool_f32__avx2(&d, first, count, x, y, numbers, columns)
      #endif
      default:
        dl_blocked_average_pool_f32__scalar(&d, first, count, x, y, numbers, columns, lanes)
      }
    }
  }
}
