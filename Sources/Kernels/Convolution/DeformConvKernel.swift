import CKernels
import Glibc
import Tensors

/// Convolution whose taps read the input at displaced places, between elements: each tile of
/// positions is gathered into columns `[channels * taps, tile]`, which the weights multiply.
///
/// Float32 or float64. Tiles depend on the sizes alone and are spread over workers.
public struct DeformConvKernel: Sendable {
  public struct Sizes: Sendable {
    public var batch = 0
    public var channels = 0
    public var outputs = 0
    public var groups = 1
    public var offsetGroups = 1
    /// One element a spatial axis in each list.
    public var input: [Int] = []
    public var output: [Int] = []
    public var kernel: [Int] = []
    public var strides: [Int] = []
    public var dilations: [Int] = []
    public var pads: [Int] = []
    public init() {}
  }

  public struct Operands {
    /// `[batch, channels, input...]`.
    public var input: UnsafeRawPointer
    /// `[outputs, channels / groups, kernel...]`.
    public var weight: UnsafeRawPointer
    /// `[batch, offsetGroups, kernel..., axes, output...]`.
    public var offset: UnsafeRawPointer
    /// `[outputs]`.
    public var bias: UnsafeRawPointer?
    /// `[batch, offsetGroups, kernel..., output...]`.
    public var mask: UnsafeRawPointer?
    public var result: UnsafeMutableRawPointer
    public init(
      input: UnsafeRawPointer, weight: UnsafeRawPointer, offset: UnsafeRawPointer,
      bias: UnsafeRawPointer?, mask: UnsafeRawPointer?, result: UnsafeMutableRawPointer
    ) {
      self.input = input
      self.weight = weight
      self.offset = offset
      self.bias = bias
      self.mask = mask
      self.result = result
    }
  }

  private let batch: Int
  private let channels: Int
  private let outputs: Int
  private let groups: Int
  private let offsetGroups: Int
  private let axes: Int
  private let taps: Int
  private let positions: Int
  private let plane: Int
  /// Per axis: sizes of input and output, distance of input elements, stride, pad.
  private let axis: Table
  /// Per tap and axis: displacement from the window's first element.
  private let reach: Table
  private let tile: Int
  private let tiles: Int
  private let workers: Int
  private let whole: GemmPlan
  private let rest: GemmPlan
  private let elementSize: Int
  /// Bytes of scratch of one worker, and where its parts lie.
  private let workerBytes: Int
  private let placesAt: Int
  private let weightsAt: Int
  private let pointAt: Int
  private let gemmAt: Int

  public init(_ s: Sizes, element: GemmElement, hasBias: Bool, threads: Int) {
    batch = s.batch
    channels = s.channels
    outputs = s.outputs
    groups = s.groups
    offsetGroups = s.offsetGroups
    axes = s.input.count
    taps = s.kernel.reduce(1, *)
    positions = s.output.reduce(1, *)
    plane = s.input.reduce(1, *)
    let distances = Shape(s.input).strides
    axis = Table(
      s.input.indices.flatMap {
        [s.input[$0], s.output[$0], distances[$0], s.strides[$0], s.pads[$0]]
      })
    var reach = [[Int]]([[]])
    for i in s.kernel.indices {
      reach = reach.flatMap { r in (0..<s.kernel[i]).map { r + [$0 * s.dilations[i]] } }
    }
    self.reach = Table(reach.flatMap { $0 })
    // Columns of a tile fill about half a second-level cache.
    let rows = max(1, channels * taps)
    tile = max(1, min(positions, max(32, 131_072 / rows / 16 * 16)))
    tiles = (positions + tile - 1) / tile
    workers = min(batch * tiles, threads > 1 ? 4 * threads : 1)
    let (m, k) = (outputs / groups, channels / groups * taps)
    let epilogue: GemmPlan.Epilogue = hasBias ? .biasPerRow : .init()
    let last = positions - (tiles - 1) * tile
    whole = GemmPlan(
      m: m, n: tile, k: k, element: element, c: positions, epilogue: epilogue)
    rest = GemmPlan(
      m: m, n: last, k: k, element: element, b: .init(row: tile, column: 1), c: positions,
      epilogue: epilogue)
    elementSize = element.byteSize
    var end = 0
    func take(_ bytes: Int) -> Int {
      let at = end
      end += GemmPlan.aligned(bytes)
      return at
    }
    _ = take(rows * tile * elementSize)
    placesAt = take((tile << axes) * 8)
    weightsAt = take((tile << axes) * elementSize)
    pointAt = take(axes * 2 * 8)
    gemmAt = take(max(whole.scratchBytes, rest.scratchBytes))
    workerBytes = end
  }

  public var scratchBytes: Int { workers * workerBytes }

  public func run(_ o: Operands, scratch: UnsafeMutableRawPointer, pool: ThreadPool) {
    if elementSize == 4 {
      run(Float.self, o, scratch, pool)
    } else {
      run(Double.self, o, scratch, pool)
    }
  }

  private func run<T: Real>(
    _: T.Type, _ o: Operands, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    pool.run(workers) { worker in
      let own = scratch + worker * workerBytes
      for i in stride(from: worker, to: batch * tiles, by: workers) {
        let (image, first) = (i / tiles, i % tiles * tile)
        let count = min(tile, positions - first)
        gather(T.self, o, image, first, count, own)
        let plan = count == tile ? whole : rest
        let (m, k) = (plan.m, plan.k)
        for g in 0..<groups {
          plan.run(
            a: o.weight + g * m * k * elementSize, b: own + g * k * tile * elementSize,
            c: o.result + ((image * outputs + g * m) * positions + first) * elementSize,
            addend: o.bias.map { $0 + g * m * elementSize }, scratch: own + gemmAt, pool: .single)
        }
      }
    }
  }

  /// Fills the columns of `count` positions from `first` on.
  private func gather<T: Real>(
    _: T.Type, _ o: Operands, _ image: Int, _ first: Int, _ count: Int,
    _ own: UnsafeMutableRawPointer
  ) {
    let columns = own.assumingMemoryBound(to: T.self)
    let places = (own + placesAt).assumingMemoryBound(to: Int.self)
    let weights = (own + weightsAt).assumingMemoryBound(to: T.self)
    let point = (own + pointAt).assumingMemoryBound(to: Double.self)
    let x = o.input.assumingMemoryBound(to: T.self) + image * channels * plane
    let offset = o.offset.assumingMemoryBound(to: T.self)
    let mask = o.mask?.assumingMemoryBound(to: T.self)
    let corners = 1 << axes
    let share = channels / offsetGroups
    if T.self == Float.self, axes == 2, plane > 0, plane < 1 << 30 {
      return gatherPlanes(o, image, first, count, own)
    }
    for group in 0..<offsetGroups {
      for tap in 0..<taps {
        let row = (image * offsetGroups + group) * taps + tap
        for p in 0..<count {
          let at = first + p
          let isInside = locate(at, tap, offset + row * axes * positions + at, point)
          let factor = mask?[row * positions + at] ?? 1
          for corner in 0..<corners {
            let (place, weight) = isInside ? reachCorner(corner, point) : (-1, 0)
            places[corner * tile + p] = place
            weights[corner * tile + p] = T(weight) * factor
          }
        }
        var next = group * share
        while corners == 4, plane > 0, next + 4 <= (group + 1) * share {
          sumFours(
            x + next * plane, places, weights, count, columns + (next * taps + tap) * tile)
          next += 4
        }
        for c in next..<(group + 1) * share {
          let channel = x + c * plane
          let column = columns + (c * taps + tap) * tile
          if corners == 4, plane > 0 {
            sumFour(channel, places, weights, count, column)
            continue
          }
          for p in 0..<count { column[p] = 0 }
          for corner in 0..<corners {
            let (place, weight) = (places + corner * tile, weights + corner * tile)
            for p in 0..<count where place[p] >= 0 {
              column[p] += weight[p] * channel[place[p]]
            }
          }
        }
      }
    }
  }

  /// The same of float32 and two axes.
  private func gatherPlanes(
    _ o: Operands, _ image: Int, _ first: Int, _ count: Int, _ own: UnsafeMutableRawPointer
  ) {
    let columns = own.assumingMemoryBound(to: Float.self)
    let places = (own + placesAt).assumingMemoryBound(to: Int32.self)
    let weights = (own + weightsAt).assumingMemoryBound(to: Float.self)
    let x = o.input.assumingMemoryBound(to: Float.self) + image * channels * plane
    let offset = o.offset.assumingMemoryBound(to: Float.self)
    let mask = o.mask?.assumingMemoryBound(to: Float.self)
    let (h, w) = (axis.at, axis.at + 5)
    let share = channels / offsetGroups
    for group in 0..<offsetGroups {
      for tap in 0..<taps {
        let row = (image * offsetGroups + group) * taps + tap
        var p = 0
        while p < count {
          let at = first + p
          let (line, column) = (at / w[1], at % w[1])
          let n = min(w[1] - column, count - p)
          var r = dl_deform_row()
          r.input = (h[0], w[0])
          r.start = (
            line * h[3] - h[4] + reach[tap * 2], column * w[3] - w[4] + reach[tap * 2 + 1]
          )
          r.stride = w[3]
          let down = offset + row * 2 * positions + at
          Self.places(
            &r, n, down, down + positions, mask.map { $0 + row * positions + at }, tile,
            places + p, weights + p)
          p += n
        }
        let c = group * share
        Self.sums(
          count, share, x + c * plane, plane, tile, places, weights,
          columns + (c * taps + tap) * tile, taps * tile)
      }
    }
  }

  private typealias Places =
    @convention(c) (
      UnsafePointer<dl_deform_row>?, Int, UnsafePointer<Float>?, UnsafePointer<Float>?,
      UnsafePointer<Float>?, Int, UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Float>?
    ) -> Void
  private typealias Sums =
    @convention(c) (
      Int, Int, UnsafePointer<Float>?, Int, Int, UnsafePointer<Int32>?, UnsafePointer<Float>?,
      UnsafeMutablePointer<Float>?, Int
    ) -> Void
  #if arch(x86_64)
    private static let places: Places =
      InstructionSet.current >= .avx512
      ? dl_deform_places_f32__avx512 : dl_deform_places_f32__scalar
    private static let sums: Sums =
      InstructionSet.current >= .avx512 ? dl_deform_sums_f32__avx512 : dl_deform_sums_f32__scalar
  #else
    private static let places: Places = dl_deform_places_f32__scalar
    private static let sums: Sums = dl_deform_sums_f32__scalar
  #endif

  /// The four elements around each place of two axes, in the order of corners.
  @inline(__always) private func sumFour<T: Real>(
    _ x: UnsafePointer<T>, _ places: UnsafePointer<Int>, _ weights: UnsafePointer<T>,
    _ count: Int, _ y: UnsafeMutablePointer<T>
  ) {
    let (a, b, c, d) = (places, places + tile, places + 2 * tile, places + 3 * tile)
    let (p, q, r, s) = (weights, weights + tile, weights + 2 * tile, weights + 3 * tile)
    // The first element is read where there is none: without branches, which offsets would upset.
    for i in 0..<count {
      let (u, v) = (x[max(a[i], 0)], x[max(b[i], 0)])
      let (w, z) = (x[max(c[i], 0)], x[max(d[i], 0)])
      let near = (a[i] >= 0 ? p[i] * u : 0) + (b[i] >= 0 ? q[i] * v : 0)
      y[i] = near + (c[i] >= 0 ? r[i] * w : 0) + (d[i] >= 0 ? s[i] * z : 0)
    }
  }

  /// The same of four channels, which share places and weights.
  @inline(__always) private func sumFours<T: Real>(
    _ x: UnsafePointer<T>, _ places: UnsafePointer<Int>, _ weights: UnsafePointer<T>,
    _ count: Int, _ y: UnsafeMutablePointer<T>
  ) {
    let (a, b, c, d) = (places, places + tile, places + 2 * tile, places + 3 * tile)
    let (p, q, r, s) = (weights, weights + tile, weights + 2 * tile, weights + 3 * tile)
    let step = taps * tile
    for i in 0..<count {
      let (u, v, w, z) = (max(a[i], 0), max(b[i], 0), max(c[i], 0), max(d[i], 0))
      let (e, f, g, h) = (p[i], q[i], r[i], s[i])
      let (hasU, hasV, hasW, hasZ) = (a[i] >= 0, b[i] >= 0, c[i] >= 0, d[i] >= 0)
      for k in 0..<4 {
        let plane = x + k * self.plane
        let near = (hasU ? e * plane[u] : 0) + (hasV ? f * plane[v] : 0)
        y[k * step + i] = near + (hasW ? g * plane[w] : 0) + (hasZ ? h * plane[z] : 0)
      }
    }
  }

  /// Writes the place that a tap reads to `point`: per axis the element below and the fraction
  /// above it. False outside of the input.
  private func locate<T: Real>(
    _ position: Int, _ tap: Int, _ offset: UnsafePointer<T>, _ point: UnsafeMutablePointer<Double>
  ) -> Bool {
    var left = position
    var isInside = true
    for i in stride(from: axes - 1, through: 0, by: -1) {
      let a = axis.at + 5 * i
      let start = left % a[1] * a[3] - a[4] + reach[tap * axes + i]
      left /= a[1]
      let place = Double(start) + offset[i * positions].double
      // False for NaN as well.
      guard place > -1 && place < Double(a[0]) else {
        isInside = false
        continue
      }
      let below = floor(place)
      point[2 * i] = below
      point[2 * i + 1] = place - below
    }
    return isInside
  }

  /// One of the elements around a point, -1 where there is none, and its weight.
  private func reachCorner(
    _ corner: Int, _ point: UnsafeMutablePointer<Double>
  ) -> (place: Int, weight: Double) {
    var place = 0
    var weight = 1.0
    for i in 0..<axes {
      let a = axis.at + 5 * i
      let isAbove = corner >> i & 1 == 1
      let at = Int(point[2 * i]) + (isAbove ? 1 : 0)
      guard at >= 0 && at < a[0] else { return (-1, 0) }
      place += at * a[2]
      weight *= isAbove ? point[2 * i + 1] : 1 - point[2 * i + 1]
    }
    return (place, weight)
  }
}
