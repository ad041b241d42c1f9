import CKernels
import Tensors

/// A transposed convolution with everything settled but the memory.
///
/// For each image and group, a product of the transposed weights and the input gives what every
/// input pixel adds through every tap, `[outputs * taps, pixels]`; each output channel then gathers
/// its own. Where windows do not overlap, that is done for some rows at a time, as many as stay in
/// the cache. Sums run over channels, then taps; results do not depend on the number of threads.
public struct ConvTransposePlan: Sendable {
  /// The convolution whose transpose this is: its `input` is the result here, its `output` the
  /// tensor that comes in; `channels` and `outputs` count those of the result and of X in a group.
  public let geometry: ConvGeometry
  public let scratchBytes: Int
  public let label: String

  let element: GemmElement
  let gemm: GemmPlan
  let packed: [PackedMatrix]
  let gemms: [GemmPlan]
  let columnBytes: Int
  /// Pixels that are worked on at once: all, or some rows of them.
  let stretch: Int
  /// The window of such a stretch.
  let window: dl_window
  let isParallel: Bool

  /// - `element`: float32 or float64.
  /// - `weights`: constant weights `[groups * outputs, channels, kernel...]`, packed here; nil
  ///   where `run` gets them.
  ///
  /// Errors: `.budget` when the system has no memory for packed weights, `.shape` when what all
  /// pixels add through all taps exceeds what memory can address.
  public init(
    _ geometry: ConvGeometry, element: GemmElement = .float32, weights: UnsafeRawPointer? = nil,
    threads: Int = 1, isa: InstructionSet = .current
  ) throws(EngineError) {
    let g = geometry
    self.geometry = g
    self.element = element
    let es = element.byteSize
    let (rows, k) = (g.channels * g.taps, g.outputs)
    _ = try Shape(checking: [rows, g.outputPixels])
    let lines = Self.lines(g, rows * es)
    var window = g.window
    if lines < g.output[1] {
      window.output.1 = lines
      window.input.1 = lines * g.strides[1]
    }
    self.window = window
    let pixels = g.output[0] * lines * g.output[2]
    stretch = pixels
    let image = GemmPlan.Layout(row: g.outputPixels, column: 1)
    let left = GemmPlan.Layout(row: 1, column: rows)
    var packed: [PackedMatrix] = []
    if let weights {
      for group in 0..<g.groups {
        packed.append(
          try PackedMatrix(
            .left, count: rows, k: k, element: element, from: weights + group * k * rows * es,
            across: left.row, along: left.column, isa: isa))
      }
    }
    self.packed = packed
    gemm = GemmPlan(
      m: rows, n: pixels, k: k, element: element, a: left, b: image, threads: threads, isa: isa)
    gemms = packed.map {
      GemmPlan(
        m: rows, n: pixels, k: k, element: element, b: image, packedA: $0, threads: threads,
        isa: isa)
    }
    columnBytes = GemmPlan.aligned(rows * pixels * es)
    scratchBytes = columnBytes + (gemms.first ?? gemm).scratchBytes
    label = "transposed conv \(gemm.label)"
    isParallel = threads > 1 && rows * pixels >= 1 << 15
  }

  /// Computes the transposed convolution. `bias` has an element for each channel of the result,
  /// or is nil; `weights` is ignored where they were constant.
  public func run(
    x: UnsafeRawPointer, weights: UnsafeRawPointer, bias: UnsafeRawPointer?,
    y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = geometry
    let es = element.byteSize
    let rows = g.channels * g.taps
    let places = g.inputPixels / max(1, g.outputPixels / max(1, stretch))
    for image in 0..<(g.batch * g.groups) {
      let group = image % g.groups
      let product = packed.isEmpty ? gemm : gemms[group]
      for (part, first) in stride(
        from: 0, to: max(1, g.outputPixels), by: max(1, stretch)
      ).enumerated() {
        product.run(
          a: weights + group * g.outputs * rows * es,
          b: x + (image * g.outputs * g.outputPixels + first) * es, c: scratch,
          scratch: scratch + columnBytes, pool: pool)
        (isParallel ? pool : ThreadPool.single).run(g.channels) { channel in
          let columns = scratch + channel * g.taps * stretch * es
          let plane = y + ((image * g.channels + channel) * g.inputPixels + part * places) * es
          gatherPlane(plane, columns, bias.map { $0 + (group * g.channels + channel) * es })
        }
      }
    }
  }

  /// Rows of input that are worked on at once, of which each pixel has `bytes` of columns.
  private static func lines(_ g: ConvGeometry, _ bytes: Int) -> Int {
    let all = g.output[1]
    let isPlaced = (0..<3).allSatisfy { i in
      let isNext = g.kernel[i] == g.strides[i] && (g.dilations[i] == 1 || g.kernel[i] == 1)
      return isNext && g.pads[i] == 0 && g.input[i] == g.output[i] * g.strides[i]
    }
    guard isPlaced, g.output[0] == 1, all > 1 else { return all }
    let line = g.output[2] * bytes
    let fits = (1...all).last { all % $0 == 0 && $0 * line <= 1 << 19 } ?? 1
    return fits * g.output[2] >= 64 ? fits : all
  }

  private func gatherPlane(
    _ y: UnsafeMutableRawPointer, _ columns: UnsafeRawPointer, _ bias: UnsafeRawPointer?
  ) {
    if element == .float64 {
      ColumnFolding.fold(
        window, columns.assumingMemoryBound(to: Double.self),
        bias: bias?.assumingMemoryBound(to: Double.self).pointee ?? 0,
        to: y.assumingMemoryBound(to: Double.self))
    } else {
      ColumnFolding.fold(
        window, columns.assumingMemoryBound(to: Float.self),
        bias: bias?.assumingMemoryBound(to: Float.self).pointee ?? 0,
        to: y.assumingMemoryBound(to: Float.self))
    }
  }
}
