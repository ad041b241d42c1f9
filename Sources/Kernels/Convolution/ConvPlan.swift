import CKernels
import Tensors

/// A convolution with everything settled but the memory.
///
/// Depthwise convolutions run plane by plane. All others are products of the packed weights
/// `[outputs, taps * channels]` and panels of the matrix whose columns hold what each output pixel
/// reads: a panel is written straight in the order in which the product reads it, one depth at a
/// time, and never exists as a whole. Sums run over taps, then channels within each; results do
/// not depend on the number of threads.
public struct ConvPlan: Sendable {
  public enum Method: String, Sendable { case product, depthwise }

  public let geometry: ConvGeometry
  public let method: Method
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public let scratchBytes: Int
  public let label: String

  let element: GemmElement
  let isa: InstructionSet
  let kernel: GemmKernel
  let low: Double
  let high: Double
  let window: dl_window
  /// Weights that were constant, packed.
  let packed: PackedFilter?
  /// Bytes of scratch for weights that are packed in each run.
  let weightBytes: Int
  let columnBlocks: Int
  let rowBlocks: Int
  let panelsPerBlock: Int
  let pieces: Int
  let pieceBytes: Int

  /// - `element`: float32 or float64.
  /// - `packed`: constant weights packed for this geometry; nil where `run` gets them, as it does
  ///   where nothing is packed.
  /// - `low`, `high`: bounds of the results; NaN passes.
  public init(
    _ geometry: ConvGeometry, element: GemmElement = .float32,
    packed filter: PackedFilter? = nil,
    low: Double = -.infinity, high: Double = .infinity, threads: Int = 1,
    isa: InstructionSet = .current
  ) {
    precondition(element == .float32 || element == .float64, "convolution of integers")
    self.geometry = geometry
    self.element = element
    self.isa = isa
    self.low = low
    self.high = high
    window = geometry.window
    let kernel = GemmKernel.narrow(element, isa)
    self.kernel = kernel
    let g = geometry
    let work = Double(g.outputCount) * Double(g.channels) * Double(g.taps)
    let isParallel = threads > 1 && work >= 65_536
    if !ConvPlan.packsWeights(g) {
      method = .depthwise
      label = "conv depthwise \(isa)"
      (packed, weightBytes, pieceBytes, scratchBytes) = (nil, 0, 0, 0)
      (columnBlocks, rowBlocks, panelsPerBlock) = (1, 1, 1)
      pieces = isParallel ? min(g.batch * g.groups, threads * 4) : 1
      return
    }
    method = .product
    label = "conv \(kernel.label)"
    let es = element.byteSize
    let k = g.channels * g.taps
    let packedBytes = GemmPlan.aligned(g.weightCount * es)
    let panels = kernel.panels(g.outputPixels)
    let strips = kernel.strips(g.outputs)
    let depth = GemmKernel.depth(k)

    // As many panels as half of the second-level cache holds; fewer where threads would idle.
    let panelBytes = max(kernel.nr * depth * es, 1)
    var width = max(1, min(panels, max(2, CacheSizes.level2 / 2 / panelBytes)))
    var columns = (panels + width - 1) / width
    var rows = 1
    if isParallel {
      let goal = threads * 3
      while g.batch * g.groups * columns < goal && width > 3 {
        width -= 1
        columns = (panels + width - 1) / width
      }
      if g.batch * g.groups * columns < threads { rows = min(strips, threads) }
    }
    panelsPerBlock = width
    columnBlocks = max(columns, 1)
    rowBlocks = rows
    pieces =
      isParallel ? min(g.batch * g.groups * columnBlocks * rowBlocks, threads * 4) : 1
    pieceBytes = GemmPlan.aligned(width * panelBytes)
    packed = filter
    weightBytes = filter == nil ? packedBytes : 0
    scratchBytes = weightBytes + pieces * pieceBytes
  }

  /// Whether the method for this geometry reads weights in packed form.
  public static func packsWeights(_ g: ConvGeometry) -> Bool { g.channels > 1 || g.outputs > 1 }

  /// Packs the weights of one group: for each depth of the sum over (tap, channel), strips
  /// `[depth][rows]`.
  static func packWeights(
    _ weights: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ group: Int, _ g: ConvGeometry,
    _ kernel: GemmKernel, _ es: Int
  ) {
    let (taps, m) = (g.taps, g.outputs)
    let k = g.channels * taps
    let depth = GemmKernel.depth(k)
    let strips = kernel.strips(m)
    let source = weights + group * m * k * es
    let base = to + group * m * k * es
    var k0 = 0
    while k0 < k {
      let kc = min(depth, k - k0)
      for s in 0..<strips {
        let (r0, r1) = (s * m / strips, (s + 1) * m / strips)
        var at = k0
        while at < k0 + kc {
          let (tap, channel) = (at / g.channels, at % g.channels)
          let count = min(g.channels - channel, k0 + kc - at)
          pack(
            base + (k0 * m + r0 * kc + (at - k0) * (r1 - r0)) * es, width: r1 - r0,
            from: source + (r0 * k + channel * taps + tap) * es, count: r1 - r0, across: k,
            k: count, along: taps, byteSize: es, isa: .scalar)
          at += count
        }
      }
      k0 += kc
    }
  }

  /// Computes the convolution. `bias` has an element for each output channel, or is nil;
  /// `weights` is ignored where they were constant and the method packs them.
  public func run(
    x: UnsafeRawPointer, weights: UnsafeRawPointer, bias: UnsafeRawPointer?,
    y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let g = geometry
    if g.outputCount == 0 { return }
    if method == .depthwise {
      if element == .float32 {
        depthwise(Float.self, x, weights, bias, y, pool)
      } else {
        depthwise(Double.self, x, weights, bias, y, pool)
      }
      return
    }
    let es = element.byteSize
    if packed == nil {
      pool.run(g.groups) { ConvPlan.packWeights(weights, scratch, $0, g, kernel, es) }
    }
    let left = packed?.memory.bytes ?? scratch
    let blocks = g.batch * g.groups * columnBlocks * rowBlocks
    pool.run(pieces) { piece in
      for block in (piece * blocks / pieces)..<((piece + 1) * blocks / pieces) {
        let (row, rest) = (block % rowBlocks, block / rowBlocks)
        let (column, image) = (rest % columnBlocks, rest / columnBlocks)
        runBlock(
          image: image, row: row, column: column, x, left, bias, y,
          panels: scratch + weightBytes + piece * pieceBytes)
      }
    }
  }

  /// The outputs of some strips of channels at the pixels of some panels; `image` counts groups
  /// of all images.
  private func runBlock(
    image: Int, row: Int, column: Int, _ x: UnsafeRawPointer, _ weights: UnsafeRawPointer,
    _ bias: UnsafeRawPointer?, _ y: UnsafeMutableRawPointer, panels: UnsafeMutableRawPointer
  ) {
    let g = geometry
    let es = element.byteSize
    let (m, pixels, nr) = (g.outputs, g.outputPixels, kernel.nr)
    let k = g.channels * g.taps
    let depth = GemmKernel.depth(k)
    let group = image % g.groups
    let source = x + image * g.channels * g.inputPixels * es
    let out = y + image * m * pixels * es
    let left = weights + group * m * k * es
    let strips = kernel.strips(m)
    let (s0, s1) = (row * strips / rowBlocks, (row + 1) * strips / rowBlocks)
    let first = column * panelsPerBlock
    let count = min(panelsPerBlock, kernel.panels(pixels) - first)
    var e = dl_gemm_epilogue(epilogue(hasBias: bias != nil))
    var k0 = 0
    repeat {
      let kc = min(depth, k - k0)
      e.accumulate = k0 > 0 ? 1 : 0
      e.final = k0 + kc >= k ? 1 : 0
      for p in 0..<count {
        let p0 = (first + p) * nr
        im2col(panels + p * nr * kc * es, source, k0, kc, p0, min(nr, pixels - p0))
      }
      for s in s0..<s1 {
        let (r0, r1) = (s * m / strips, (s + 1) * m / strips)
        e.addend = bias.map { $0 + (group * m + r0) * es }
        for p in 0..<count {
          let p0 = (first + p) * nr
          kernel.tile(
            r1 - r0, min(nr, pixels - p0), kc, left + (k0 * m + r0 * kc) * es, 1, r1 - r0,
            panels + p * nr * kc * es, nr, out + (r0 * pixels + p0) * es, pixels, &e)
        }
      }
      k0 += kc
    } while k0 < k
  }

  private func epilogue(hasBias: Bool) -> GemmPlan.Epilogue {
    var e = hasBias ? GemmPlan.Epilogue.biasPerRow : GemmPlan.Epilogue()
    (e.low, e.high) = (low, high)
    return e
  }

  private func im2col(
    _ to: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ k0: Int, _ kc: Int, _ p0: Int,
    _ count: Int
  ) {
    var w = window
    let (nr, channels) = (kernel.nr, geometry.channels)
    if element == .float64 {
      dl_im2col_64__scalar(
        to.assumingMemoryBound(to: UInt64.self), nr, x.assumingMemoryBound(to: UInt64.self), &w,
        channels, k0, kc, p0, count)
      return
    }
    let to = to.assumingMemoryBound(to: UInt32.self)
    let x = x.assumingMemoryBound(to: UInt32.self)
    #if arch(x86_64)
      if isa >= .avx512 {
        dl_im2col_32__avx512(to, nr, x, &w, channels, k0, kc, p0, count)
        return
      }
    #endif
    dl_im2col_32__scalar(to, nr, x, &w, channels, k0, kc, p0, count)
  }

  private func depthwise<T: BinaryFloatingPoint>(
    _: T.Type, _ x: UnsafeRawPointer, _ weights: UnsafeRawPointer, _ bias: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let g = geometry
    let es = element.byteSize
    let planes = g.batch * g.groups
    let biases = bias?.assumingMemoryBound(to: T.self)
    pool.run(pieces) { piece in
      for plane in (piece * planes / pieces)..<((piece + 1) * planes / pieces) {
        let group = plane % g.groups
        runPlane(
          y + plane * g.outputPixels * es, x + plane * g.inputPixels * es,
          weights + group * g.taps * es, Double(biases?[group] ?? 0))
      }
    }
  }

  private func runPlane(
    _ y: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ taps: UnsafeRawPointer, _ bias: Double
  ) {
    var w = window
    if element == .float64 {
      let (y, x) = (y.assumingMemoryBound(to: Double.self), x.assumingMemoryBound(to: Double.self))
      let taps = taps.assumingMemoryBound(to: Double.self)
      #if arch(x86_64)
        if isa >= .avx2 {
          dl_depthwise_f64__avx2(y, x, taps, bias, low, high, &w)
          return
        }
      #endif
      dl_depthwise_f64__scalar(y, x, taps, bias, low, high, &w)
      return
    }
    let (y, x) = (y.assumingMemoryBound(to: Float.self), x.assumingMemoryBound(to: Float.self))
    let taps = taps.assumingMemoryBound(to: Float.self)
    let (bias, low, high) = (Float(bias), Float(low), Float(high))
    #if arch(x86_64)
      if isa >= .avx512 && geometry.kernel[2] <= 16 && geometry.strides[2] <= 2 {
        dl_depthwise_f32__avx512(y, x, taps, bias, low, high, &w)
        return
      } else if isa >= .avx2 {
        dl_depthwise_f32__avx2(y, x, taps, bias, low, high, &w)
        return
      }
    #endif
    dl_depthwise_f32__scalar(y, x, taps, bias, low, high, &w)
  }
}
