import CKernels
import Tensors

/// A convolution of bytes whose scale and zero point come with each run, with float32 results in
/// blocks of channels (`BlockedMove`): everything settled but the memory.
///
/// Sums are exact, then the product with the scales and the sums with offset and residual are each
/// rounded to float32: results do not depend on threads or on the instruction set.
public struct ByteFloatConvPlan: Sendable {
  public var label: String { panels.label + " to float" }
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int

  let panels: BytePanels
  let filter: ByteFilter
  let work: ByteConvWork
  let block: Int
  /// The number of channels' blocks of the result.
  let blocks: Int
  /// By lane of each panel: sums of weights, scales, offsets.
  let constants: AlignedMemory
  /// What is taken off each weight.
  let weightZero: Int
  let (low, high): (Float, Float)
  /// Bytes before parts of the scratch memory behind that of the work.
  private let (borderAt, sumsAt, shiftAt): (Int, Int, Int)

  /// Panels for results in blocks of so many channels, 8 or 16; those of another machine's size are
  /// computed one by one.
  public static func panels(_ g: ConvGeometry, block: Int) -> BytePanels {
    let isa = InstructionSet.current
    let own = isa >= .avx512 ? 16 : isa == .avx2 ? 8 : 0
    return BytePanels(g, isa: block == own ? isa : .scalar, isInOrder: true)
  }

  /// - `sums`: of each output's weights; `scales`: what a step of its weights stands for; `offsets`:
  ///   added to results. An element an output.
  /// - `weightZero`: what is taken off each weight; 0 where there is more than one group.
  /// - `low`, `high`: bounds of results, with 0 between them.
  ///
  /// Errors: `.budget` when the system has no memory for constants.
  public init(
    _ panels: BytePanels, filter: ByteFilter, sums: UnsafePointer<Int32>, scales: [Float],
    offsets: [Float]?, weightZero: Int = 0, low: Float = -.infinity, high: Float = .infinity,
    block: Int, threads: Int = 1
  ) throws(EngineError) {
    let g = panels.geometry
    let channels = g.groups * g.outputs
    precondition(panels.isInOrder || panels.isDepthwise, "panels of bytes")
    precondition(scales.count == channels, "\(scales.count) scales")
    precondition(weightZero == 0 || g.groups == 1, "groups with a zero point of weights")
    (self.panels, self.filter, self.block, self.weightZero) = (panels, filter, block, weightZero)
    (self.low, self.high) = (low, high)
    blocks = (channels + block - 1) / block
    work = ByteConvWork(panels, weightBytes: filter.memory.byteCount, threads: threads)
    let count = panels.constantCount
    constants = try AlignedMemory(byteCount: count * 12)
    constants.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: count * 12)
    let sum = constants.bytes.assumingMemoryBound(to: Int32.self)
    let scale = (constants.bytes + count * 4).assumingMemoryBound(to: Float.self)
    for p in panels.panels {
      for column in 0..<p.columns {
        let (m, at) = (p.first + column, p.constants + panels.lane(column, p))
        sum[at] = sums[m]
        scale[at] = scales[m]
        scale[count + at] = offsets?[m] ?? 0
      }
    }
    let isMoved = weightZero != 0
    let pieces = [
      work.scratchBytes, count * 8, work.borderBytes, isMoved ? g.batch * g.inputPixels * 4 : 0,
      isMoved ? g.batch * (g.outputPixels + g.input[2]) * 4 : 0,
    ]
    var starts = [0]
    for bytes in pieces { starts.append(starts[starts.count - 1] + GemmPlan.aligned(bytes)) }
    (borderAt, sumsAt, shiftAt, scratchBytes) = (starts[2], starts[3], starts[4], starts[5])
  }

  /// Computes the convolution of `[batch, height, width, channels in fours]`, bytes of `scale`;
  /// `residual` is laid out as `y` and may be `y`.
  public func run(
    x: UnsafePointer<UInt8>, _ scale: PixelScale, residual: UnsafePointer<Float>?,
    y: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = panels.geometry
    let count = panels.constantCount
    let fixed = constants.bytes.assumingMemoryBound(to: Int32.self)
    let steps = UnsafePointer((constants.bytes + count * 4).assumingMemoryBound(to: Float.self))
    nonisolated(unsafe) let offsets = steps + count
    let own = scratch + GemmPlan.aligned(work.scratchBytes)
    nonisolated(unsafe) let start = own.assumingMemoryBound(to: Int32.self)
    nonisolated(unsafe) let factors = (own + count * 4).assumingMemoryBound(to: Float.self)
    let zero = Int32(scale.zero)
    for i in 0..<count {
      start[i] = 0 &- zero &* fixed[i]
      factors[i] = scale.scale * steps[i]
    }
    nonisolated(unsafe) let border = (scratch + borderAt).assumingMemoryBound(to: UInt8.self)
    border.update(repeating: UInt8(scale.zero), count: work.borderBytes)
    nonisolated(unsafe) let shift = weightZero == 0 ? nil : shifts(x, zero, scratch, pool)
    nonisolated(unsafe) let (residual, y) = (residual, y)
    let core = work.core
    let pixels = g.outputPixels
    work.run(x, xZero: UInt8(scale.zero), scratch: scratch, pool: pool) { task in
      let p = panels.panels[task.panel]
      let isLast = task.panel == panels.panels.count - 1
      var panel = dl_byte_panel(
        vectors: p.vectors, is_half: p.isHalf ? 1 : 0,
        is_grouped: panels.isGrouped ? 1 : 0, columns: p.columns,
        weights: filter.memory.bytes + p.offset, start: start + p.constants,
        scale: factors + p.constants, base: nil, offset: offsets + p.constants,
        next: isLast ? nil : filter.memory.bytes + panels.panels[task.panel + 1].offset,
        next_bytes: isLast ? 0 : panels.byteCount(of: task.panel + 1))
      var c = core
      c.fours = p.fours
      // A call's outputs belong to one image.
      var first = task.first
      let end = task.first + task.count
      while first < end {
        let image = first / pixels
        let some = min(end, (image + 1) * pixels) - first
        let place = (image * blocks + p.first / block) * pixels * block
        var floats = dl_byte_floats(
          y: y + place, z: residual.map { $0 + place }, block: block, step: pixels * block,
          shift: shift.map { $0 + image * pixels }, low: low, high: high)
        withUnsafePointer(to: &floats) { floats in
          c.floats = floats
          let part = ByteConvWork.Task(
            panel: task.panel, x: task.x, first: first, count: some, table: task.table)
          panels.call(&c, &panel, part, border, nil, nil)
        }
        first += some
      }
    }
  }

  /// What `weightZero` takes off each output: the sums of its windows.
  private func shifts(
    _ x: UnsafePointer<UInt8>, _ zero: Int32, _ scratch: UnsafeMutableRawPointer,
    _ pool: ThreadPool
  ) -> UnsafePointer<Int32> {
    let g = panels.geometry
    nonisolated(unsafe) let x = x
    nonisolated(unsafe) let sums = (scratch + sumsAt).assumingMemoryBound(to: Int32.self)
    nonisolated(unsafe) let shift = (scratch + shiftAt).assumingMemoryBound(to: Int32.self)
    let all = g.batch * g.inputPixels
    let parts = max(1, min(pool.threads, all / 64))
    pool.run(parts) { part in
      let (first, end) = (part * all / parts, (part + 1) * all / parts)
      let (to, from) = (sums + first, x + first * panels.step)
      switch panels.isa {
      #if arch(x86_64)
        case .avx512, .avx512vnni:
          dl_byte_pixel_sums_u8__avx512(to, from, end - first, g.channels, panels.step, zero)
        case .avx2:
          dl_byte_pixel_sums_u8__avx2(to, from, end - first, g.channels, panels.step, zero)
      #endif
      default: dl_byte_pixel_sums_u8__scalar(to, from, end - first, g.channels, panels.step, zero)
      }
    }
    nonisolated(unsafe) let rows = shift + g.batch * g.outputPixels
    pool.run(g.batch) { image in
      var window = dl_byte_window(
        input: (g.input[1], g.input[2]), output: (g.output[1], g.output[2]),
        taps: (g.kernel[1], g.kernel[2]), stride: (g.strides[1], g.strides[2]),
        dilation: (g.dilations[1], g.dilations[2]), pad: (g.pads[1], g.pads[2]), channels: 0,
        sign: 0)
      dl_byte_window_sums_s32(
        &window, sums + image * g.inputPixels, shift + image * g.outputPixels,
        rows + image * g.input[2], Int32(-weightZero))
    }
    return UnsafePointer(shift)
  }
}
