import CKernels
import Tensors

/// A convolution of bytes with everything settled but the memory.
///
/// Outputs, counted over all images, fall into chunks whose input stays in the second-level cache
/// while all panels of output channels pass over them, tile by tile. A tile reads its input through
/// a list of addresses, one for each tap and output, so that nothing is copied; taps outside of the
/// image lie in a border of zero points. Sums are exact: results do not depend on threads or on the
/// instruction set.
public struct ByteConvPlan: Sendable {
  public var label: String { panels.label }
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { work.scratchBytes }

  let panels: BytePanels
  let filter: ByteFilter
  let finish: ByteFinish
  /// For each panel what sums start from, scales, what takes the start's excess off again, and
  /// offsets where there are some, by lane.
  let constants: AlignedMemory
  let hasOffsets: Bool
  let isSmall: Bool
  let isWide: Bool
  let border: AlignedMemory
  let xZero: Int
  let outStep: Int
  let work: ByteConvWork

  /// - `sums`: of each output's weights, then of its positive ones; `scales`: what a product stands
  ///   for; `bias`: added to sums; `offsets`: added to what they stand for. An element an output.
  /// - `xZero`: the byte that stands for 0 in the input.
  ///
  /// Errors: `.budget` when the system has no memory for constants.
  public init(
    _ panels: BytePanels, filter: ByteFilter, sums: UnsafePointer<Int32>, scales: [Float],
    bias: [Int32]? = nil, offsets: [Float]? = nil, xZero: Int, finish: ByteFinish, threads: Int = 1
  ) throws(EngineError) {
    let g = panels.geometry
    (self.panels, self.filter, self.finish, self.xZero) = (panels, filter, finish, xZero)
    let channels = g.groups * g.outputs
    precondition(scales.count == channels, "\(scales.count) scales for \(channels) outputs")
    outStep = BytePanels.step(channels)
    hasOffsets = offsets != nil
    let count = panels.constantCount
    constants = try AlignedMemory(byteCount: count * 16)
    constants.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: count * 16)
    let start = constants.bytes.assumingMemoryBound(to: Int32.self)
    let scale = (constants.bytes + count * 4).assumingMemoryBound(to: Float.self)
    let base = (constants.bytes + count * 8).assumingMemoryBound(to: Float.self)
    let offset = (constants.bytes + count * 12).assumingMemoryBound(to: Float.self)
    isSmall = (0..<channels).allSatisfy { m in
      guard scales[m] / finish.divisor < 0x1p60 else { return false }
      let (all, positive) = (Int(sums[m]), Int(sums[channels + m]))
      let first = Int(bias?[m] ?? 0) - xZero * all
      return first + 255 * (all - positive) > -1 << 22 && first + 255 * positive < 1 << 22
    }
    for p in panels.panels {
      for column in 0..<p.columns {
        let (m, at) = (p.first + column, p.constants + panels.lane(column, p))
        start[at] = (bias?[m] ?? 0) &- Int32(xZero) &* sums[m] &+ (isSmall ? DL_BYTE_MAGIC : 0)
        let each = scales[m] / finish.divisor
        // Two bits less change nothing that its own rounding did not, and leave room for `base`.
        scale[at] = isSmall ? Float(bitPattern: (each.bitPattern &+ 2) & ~3) : each
        base[at] = -12_582_912 * scale[at]
        offset[at] = (offsets?[m] ?? 0) / finish.divisor
      }
    }
    isWide = finish.isWide(
      factor: (0..<count).reduce(0) { max($0, abs(scale[$1])) },
      offset: (0..<count).reduce(0) { max($0, abs(offset[$1])) })
    work = ByteConvWork(panels, weightBytes: filter.memory.byteCount, threads: threads)
    border = try AlignedMemory(byteCount: work.borderBytes)
    border.bytes.initializeMemory(
      as: UInt8.self, repeating: UInt8(xZero), count: work.borderBytes)
  }

  /// Computes the convolution of `[batch, height, width, channels in fours]`; `residual` is laid out
  /// as `y` and may be `y`.
  public func run(
    x: UnsafePointer<UInt8>, residual: UnsafePointer<UInt8>?, y: UnsafeMutablePointer<UInt8>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    var core = work.core
    core.out_step = outStep
    core.finish = finish.core(isWide: isWide, isSmall: isSmall)
    let edge = UnsafePointer(border.bytes.assumingMemoryBound(to: UInt8.self))
    nonisolated(unsafe) let (residual, y, edges, conv) = (residual, y, edge, core)
    work.run(x, xZero: UInt8(xZero), scratch: scratch, pool: pool) { task in
      panel(task, conv, edges, residual, y)
    }
  }

  private func panel(
    _ task: ByteConvWork.Task, _ core: dl_byte_conv, _ edge: UnsafePointer<UInt8>,
    _ residual: UnsafePointer<UInt8>?, _ y: UnsafeMutablePointer<UInt8>
  ) {
    let i = task.panel
    let p = panels.panels[i]
    let all = panels.constantCount
    let numbers = constants.bytes.assumingMemoryBound(to: Float.self)
    var c = core
    c.fours = p.fours
    // What fills the last four is written too, so that every byte of the result is.
    let isLast = i == panels.panels.count - 1
    let columns = isLast ? min(p.vectors * p.lanes, outStep - p.first) : p.columns
    var panel = dl_byte_panel(
      vectors: p.vectors, is_half: p.isHalf ? 1 : 0,
      is_grouped: panels.isGrouped ? 1 : 0, columns: columns,
      weights: filter.memory.bytes + p.offset,
      start: constants.bytes.assumingMemoryBound(to: Int32.self) + p.constants,
      scale: numbers + all + p.constants, base: numbers + 2 * all + p.constants,
      offset: hasOffsets ? numbers + 3 * all + p.constants : nil,
      next: isLast ? nil : filter.memory.bytes + panels.panels[i + 1].offset,
      next_bytes: isLast ? 0 : panels.byteCount(of: i + 1))
    panels.call(
      &c, &panel, task, edge, residual.map { $0 + p.first }, y + p.first)
  }
}
