import CKernels
import Tensors

/// The gradient of a convolution by its weights, with everything settled but the memory.
///
/// `dW[m, (c, t)] = sum over images and pixels of dY[m, p] * X[c, p * stride - pad + t * dilation]`:
/// for each group a product of the rows of dY and of the matrix whose rows hold what each tap reads.
/// The sum goes over stretches of output rows, one product each, as many rows at once as make the
/// product deep while what the taps read stays small; a later stretch adds to what came before.
/// Where a kernel reads the taps' rows as they lie, nothing is laid out: it sums over chunks of rows
/// whose gradients stay in the first-level cache, for eight output channels at once.
/// Sums do not depend on the number of threads, which share rows and tiles of the result.
public struct ConvWeightGradientPlan: Sendable {
  public let geometry: ConvGeometry
  public let scratchBytes: Int
  public let label: String

  let element: GemmElement
  /// One tap a channel and one channel a group: dot products, without columns.
  let isDepthwise: Bool
  /// Float32 with several taps along width, read where they lie.
  let isDirect: Bool
  /// Of the direct kernel: images, or rows of one image, summed at once; pieces of the channels.
  let chunk: (images: Int, rows: Int)
  let channelPieces: Int
  /// Rows of output pixels in one stretch.
  let stretch: Int
  let plans: [GemmPlan]
  let columnBytes: Int
  let sideBytes: Int
  let partialBytes: Int
  let isParallel: Bool

  /// What takes 3x3 kernels of stride 1 where it pays.
  let winograd: WinogradWeightGradientPlan?

  /// - `element`: float32 or float64. - `exact`: sums as accurate as plain summation.
  public init(
    _ geometry: ConvGeometry, element: GemmElement, exact: Bool = false, threads: Int = 1,
    isa: InstructionSet = .current
  ) {
    let g = geometry
    self.geometry = g
    self.element = element
    winograd =
      element == .float32 && !exact
      ? WinogradWeightGradientPlan(g, threads: threads, isa: isa) : nil
    let es = element.byteSize
    let (m, n) = (g.outputs, g.channels * g.taps)
    let width = g.output[2]
    let rows = g.batch * g.output[0] * g.output[1]
    isDepthwise = m == 1 && g.channels == 1
    isParallel = threads > 1 && Double(m * n) * Double(rows * width) >= 65_536
    isDirect =
      element == .float32 && isa >= .avx512 && g.kernel[0] == 1 && g.input[0] == 1
      && g.output[0] == 1 && g.pads[0] == 0 && g.kernel[2] > 1 && g.strides[2] <= 2
      && rows * width > 0
    // The gradients of eight channels, within 32 KB where one row is.
    let room = (32 << 10) / max(1, 8 * width * es)
    chunk =
      room >= g.output[1]
      ? (max(1, room / max(1, g.output[1])), max(1, g.output[1])) : (1, max(1, room))
    let blocks = g.groups * ((m + 7) / 8)
    channelPieces =
      isParallel ? max(1, min(g.channels, (threads * 2 + blocks - 1) / max(1, blocks))) : 1
    if isDirect {
      (stretch, plans, columnBytes, sideBytes, partialBytes) = (rows, [], 0, 0, 0)
      scratchBytes = winograd?.scratchBytes ?? 0
      label = winograd?.label ?? "conv weight gradient direct \(isa)"
      return
    }
    if isDepthwise {
      (stretch, plans, columnBytes, sideBytes, partialBytes) = (rows, [], 0, 0, 0)
      scratchBytes = 0
      label = "conv weight gradient depthwise"
      return
    }
    // About 2 MB of columns, at least one row, at most a depth at which products are fast.
    let depth = max(1, (2 << 20) / max(1, n * width * es))
    stretch = max(1, min(rows, depth, max(1, 2048 / max(1, width))))
    let last = rows - (rows - 1) / max(1, stretch) * stretch
    func plan(_ rows: Int, adds: Bool) -> GemmPlan {
      var epilogue = GemmPlan.Epilogue()
      if adds {
        epilogue.beta = 1
        epilogue.addend = .init(row: n, column: 1)
      }
      let k = rows * width
      return GemmPlan(
        m: m, n: n, k: k, element: element, b: .init(row: 1, column: k), epilogue: epilogue,
        threads: threads, isa: isa)
    }
    plans = [
      plan(stretch, adds: false), plan(stretch, adds: true), plan(last, adds: false),
      plan(last, adds: true),
    ]
    columnBytes = GemmPlan.aligned(n * stretch * width * es)
    sideBytes = GemmPlan.aligned(m * stretch * width * es)
    partialBytes = GemmPlan.aligned(m * n * es)
    scratchBytes =
      columnBytes + sideBytes + partialBytes + (plans.map(\.scratchBytes).max() ?? 0)
    label = "conv weight gradient \(plans[0].label)"
  }

  /// - `x`: the convolution's input; `dy`: the gradient by its output; `dw`: the result.
  public func run(
    x: UnsafeRawPointer, dy: UnsafeRawPointer, dw: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if let winograd {
      winograd.run(
        x: x.assumingMemoryBound(to: Float.self), dy: dy.assumingMemoryBound(to: Float.self),
        dw: dw.assumingMemoryBound(to: Float.self), scratch: scratch, pool: pool)
    } else if isDirect {
      direct(
        x.assumingMemoryBound(to: Float.self), dy.assumingMemoryBound(to: Float.self),
        dw.assumingMemoryBound(to: Float.self), pool)
    } else if element == .float64 {
      run(Double.self, x, dy, dw, scratch, pool)
    } else {
      run(Float.self, x, dy, dw, scratch, pool)
    }
  }

  private func direct(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>,
    _ pool: ThreadPool
  ) {
    let g = geometry
    let blocks = (g.outputs + 7) / 8
    let (xImage, dyImage) = (
      g.groups * g.channels * g.inputPixels, g.groups * g.outputs * g.outputPixels
    )
    (isParallel ? pool : ThreadPool.single).run(g.groups * blocks * channelPieces) { piece in
      let (part, rest) = (piece % channelPieces, piece / channelPieces)
      let (block, group) = (rest % blocks, rest / blocks)
      let m = group * g.outputs + block * 8
      let c0 = part * g.channels / channelPieces
      let c1 = (part + 1) * g.channels / channelPieces
      var w = g.window
      var adds: Int32 = 0
      for image in stride(from: 0, to: g.batch, by: chunk.images) {
        for row in stride(from: 0, to: g.output[1], by: chunk.rows) {
          dl_conv_weight_gradient_f32__avx512(
            dw + (m * g.channels + c0) * g.taps,
            x + image * xImage + (group * g.channels + c0) * g.inputPixels,
            dy + image * dyImage + m * g.outputPixels, &w, min(8, g.outputs - block * 8), c1 - c0,
            g.channels, min(chunk.images, g.batch - image), xImage, dyImage, row,
            min(row + chunk.rows, g.output[1]), adds)
          adds = 1
        }
      }
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ x: UnsafeRawPointer, _ dy: UnsafeRawPointer, _ dw: UnsafeMutableRawPointer,
    _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let dy = dy.assumingMemoryBound(to: T.self)
    let dw = dw.assumingMemoryBound(to: T.self)
    let workers = isParallel ? pool : ThreadPool.single
    if isDepthwise {
      workers.run(geometry.groups) { depthwise(x, dy, dw, group: $0) }
      return
    }
    let g = geometry
    let (m, n, width) = (g.outputs, g.channels * g.taps, g.output[2])
    let rows = g.batch * g.output[0] * g.output[1]
    let columns = scratch.assumingMemoryBound(to: T.self)
    let side = (scratch + columnBytes).assumingMemoryBound(to: T.self)
    let partial = scratch + columnBytes + sideBytes
    let own = partial + partialBytes
    if rows == 0 || width == 0 {
      for i in 0..<g.weightCount { dw[i] = 0 }
      return
    }
    let steps = (rows + stretch - 1) / stretch
    for group in 0..<g.groups {
      let result = UnsafeMutableRawPointer(dw + group * m * n)
      for step in 0..<steps {
        let first = step * stretch
        let count = min(stretch, rows - first)
        let k = count * width
        workers.run(n) { row in
          fill(columns + row * k, x, group: group, row: row, rows: first..<(first + count))
        }
        workers.run(m) { row in
          for r in 0..<count {
            let from = dy + place(first + r, channel: group * m + row)
            (side + row * k + r * width).update(from: from, count: width)
          }
        }
        // Results alternate between two memories and end in the right one.
        let target = (steps - 1 - step) % 2 == 0 ? result : partial
        let before = target == result ? partial : result
        let plan = plans[(step == steps - 1 ? 2 : 0) + (step > 0 ? 1 : 0)]
        plan.run(
          a: side, b: columns, c: target, addend: step > 0 ? UnsafeRawPointer(before) : nil,
          scratch: own, pool: workers)
      }
    }
  }

  /// Where row `r` of the pixels of all images starts in dY, for a channel.
  private func place(_ r: Int, channel: Int) -> Int {
    let g = geometry
    let (image, row) = (r / (g.output[0] * g.output[1]), r % (g.output[0] * g.output[1]))
    return ((image * g.groups * g.outputs + channel) * g.output[0] * g.output[1] + row)
      * g.output[2]
  }

  /// What one tap of one channel reads for some rows of output pixels; zeros beyond the input.
  private func fill<T: RowReal>(
    _ to: UnsafeMutablePointer<T>, _ x: UnsafePointer<T>, group: Int, row: Int, rows: Range<Int>
  ) {
    let g = geometry
    let (channel, tap) = (row / g.taps, row % g.taps)
    for (i, r) in rows.enumerated() {
      let out = to + i * g.output[2]
      guard let from = source(r, channel: group * g.channels + channel, tap: tap) else {
        out.update(repeating: 0, count: g.output[2])
        continue
      }
      let (low, high, start) = span(tap)
      for j in 0..<low { out[j] = 0 }
      if low < high {
        let line = x + from + start + low * g.strides[2]
        if g.strides[2] == 1 {
          (out + low).update(from: line, count: high - low)
        } else {
          for j in 0..<(high - low) { out[low + j] = line[j * g.strides[2]] }
        }
      }
      for j in high..<g.output[2] { out[j] = 0 }
    }
  }

  /// Where the input row starts that a tap reads for a row of output pixels; nil beyond the input.
  private func source(_ r: Int, channel: Int, tap: Int) -> Int? {
    let g = geometry
    let (image, row) = (r / (g.output[0] * g.output[1]), r % (g.output[0] * g.output[1]))
    let (d, h) = (row / g.output[1], row % g.output[1])
    let (td, th) = (tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1])
    let z = d * g.strides[0] - g.pads[0] + td * g.dilations[0]
    let y = h * g.strides[1] - g.pads[1] + th * g.dilations[1]
    guard z >= 0, z < g.input[0], y >= 0, y < g.input[1] else { return nil }
    return ((image * g.groups * g.channels + channel) * g.input[0] + z) * g.input[1] * g.input[2]
      + y * g.input[2]
  }

  /// The output pixels of a row that a tap reads within the input, and the place of pixel 0.
  private func span(_ tap: Int) -> (low: Int, high: Int, start: Int) {
    let g = geometry
    let start = tap % g.kernel[2] * g.dilations[2] - g.pads[2]
    let s = g.strides[2]
    let low = start >= 0 ? 0 : min(g.output[2], (s - 1 - start) / s)
    let room = g.input[2] - 1 - start
    let high = room < 0 ? 0 : min(g.output[2], room / s + 1)
    return (low, max(low, high), start)
  }

  private func depthwise<T: RowReal>(
    _ x: UnsafePointer<T>, _ dy: UnsafePointer<T>, _ dw: UnsafeMutablePointer<T>, group: Int
  ) {
    let g = geometry
    let rows = g.batch * g.output[0] * g.output[1]
    for tap in 0..<g.taps {
      let (low, high, start) = span(tap)
      var sum: T = 0
      if low < high {
        for r in 0..<rows {
          guard let from = source(r, channel: group, tap: tap) else { continue }
          let up = dy + place(r, channel: group) + low
          let line = x + from + start + low * g.strides[2]
          if g.strides[2] == 1 {
            T.dots(1, 1, high - low, up, 0, line, 0, into: &sum, 0, adds: true)
          } else {
            for j in 0..<(high - low) { sum += up[j] * line[j * g.strides[2]] }
          }
        }
      }
      dw[group * g.taps + tap] = sum
    }
  }
}
