import Tensors

/// Convolution of 8-bit integers with sums in int32, over at most three spatial axes.
///
/// Windows are laid out as columns, a tile of output positions at a time, and multiplied with the
/// weights. Sums wrap modulo 2^32, so results do not depend on any order.
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
  private let tile: Int
  private let tiles: Int
  private let pieces: Int
  private let pieceBytes: Int
  /// For each group the product of a whole tile and that of the last one.
  private let plans: [GemmPlan]

  /// `packed`: the weights of each group less their zero points, where they are constant.
  public init(_ geometry: Geometry, packed: [PackedMatrix] = [], threads: Int) {
    self.geometry = geometry
    let (k, positions) = (geometry.depth, geometry.positions)
    tile = max(1, min(positions, max(64, 131_072 / max(k, 1))))
    tiles = (positions + tile - 1) / tile
    pieces = max(1, min(threads, geometry.batch * geometry.groups * tiles))
    var plans: [GemmPlan] = []
    for g in 0..<geometry.groups {
      for n in [tile, positions - max(0, tiles - 1) * tile] {
        plans.append(
          GemmPlan(
            m: geometry.outputs, n: n, k: k, element: .int32,
            packedA: packed.isEmpty ? nil : packed[g]))
      }
    }
    self.plans = plans
    let own = plans.map(\.scratchBytes).max() ?? 0
    pieceBytes = ((k + geometry.outputs) * tile * 4 + 127) / 64 * 64 + own
  }

  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int { pieces * (pieceBytes + 63) / 64 * 64 + pieces * 64 }

  /// Calls `finish(channel, place, sums, n)` for every stretch of `n` results: they belong to
  /// channel `channel` of Y and stand at `place` of it.
  ///
  /// `weights` are widened, `[groups * outputs, depth]`; ignored where they were packed.
  public func run(
    _ x: UnsafeRawPointer, isSigned: Bool, zero: Int32, weights: UnsafePointer<Int32>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool,
    finish: (Int, Int, UnsafePointer<Int32>, Int) -> Void
  ) {
    if isSigned {
      run(x.assumingMemoryBound(to: Int8.self), zero, weights, scratch, pool, finish)
    } else {
      run(x.assumingMemoryBound(to: UInt8.self), zero, weights, scratch, pool, finish)
    }
  }

  private func run<T: FixedWidthInteger>(
    _ x: UnsafePointer<T>, _ zero: Int32, _ weights: UnsafePointer<Int32>,
    _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool,
    _ finish: (Int, Int, UnsafePointer<Int32>, Int) -> Void
  ) {
    let g = geometry
    let (k, positions, imageSize) = (g.depth, g.positions, g.inputs * g.input.product)
    let jobs = g.batch * g.groups * tiles
    let stride = (pieceBytes + 63) / 64 * 64
    pool.run(pieces) { piece in
      let columns = (scratch + piece * stride).assumingMemoryBound(to: Int32.self)
      let sums = columns + k * tile
      let own = scratch + piece * stride + ((k + g.outputs) * tile * 4 + 127) / 64 * 64
      var job = piece
      while job < jobs {
        let (image, t) = (job / tiles, job % tiles)
        let group = image % g.groups
        let first = t * tile
        let n = min(tile, positions - first)
        for row in 0..<k {
          fill(columns + row * n, row, first, n, x + image * imageSize, zero)
        }
        plans[group * 2 + (t == tiles - 1 ? 1 : 0)].run(
          a: UnsafeRawPointer(weights + group * g.outputs * k), b: UnsafeRawPointer(columns),
          c: UnsafeMutableRawPointer(sums), scratch: own, pool: .single)
        for m in 0..<g.outputs {
          let place = (image * g.outputs + m) * positions + first
          finish(group * g.outputs + m, place, sums + m * n, n)
        }
        job += pieces
      }
    }
  }

  /// Row `row` of the columns (a channel and a tap of the window) at `n` positions.
  private func fill<T: FixedWidthInteger>(
    _ y: UnsafeMutablePointer<Int32>, _ row: Int, _ first: Int, _ n: Int, _ image: UnsafePointer<T>,
    _ zero: Int32
  ) {
    let g = geometry
    let taps = g.kernel.product
    let (channel, tap) = (row / taps, row % taps)
    let td = tap / (g.kernel.h * g.kernel.w) * g.dilations.d - g.pads.d
    let th = tap / g.kernel.w % g.kernel.h * g.dilations.h - g.pads.h
    let tw = tap % g.kernel.w * g.dilations.w - g.pads.w
    let plane = image + channel * g.input.product
    var done = 0
    while done < n {
      let p = first + done
      let w0 = p % g.output.w
      let id = p / (g.output.w * g.output.h) * g.strides.d + td
      let ih = p / g.output.w % g.output.h * g.strides.h + th
      let stretch = min(g.output.w - w0, n - done)
      if id >= 0, id < g.input.d, ih >= 0, ih < g.input.h {
        let line = plane + (id * g.input.h + ih) * g.input.w
        for i in 0..<stretch {
          let iw = (w0 + i) * g.strides.w + tw
          y[done + i] =
            iw >= 0 && iw < g.input.w ? Int32(truncatingIfNeeded: line[iw]) &- zero : 0
        }
      } else {
        for i in 0..<stretch { y[done + i] = 0 }
      }
      done += stretch
    }
  }
}
