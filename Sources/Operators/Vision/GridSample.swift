import Glibc
import Graphs
import Kernels
import Tensors

/// An image read between its pixels, at the places of a grid.
///
/// - `X`: any numeric dtype, bool, complex or strings, `[N, C, D1, ..., Dr]`; strings in mode nearest
///   only. `grid`: float16, bfloat16, float32 or
///   float64 `[N, E1, ..., Er, r]`, places from -1 to 1, the innermost axis first.
/// - `mode`: linear (default), nearest or cubic; bilinear and bicubic before opset 20.
///   `padding_mode`: zeros (default), border or reflection. `align_corners`: 1: -1 and 1 are the
///   centres of the corner pixels, otherwise their outer edges; default 0.
/// - Output: X's dtype `[N, C, E1, ..., Er]`.
/// - Errors: `.shape` when ranks, batches or the grid's last axis do not fit, `.attribute`.
/// - Edges: nearest rounds halves to even; a place that is NaN is read as the first pixel's.
/// - Accuracy: computed in float64, rounded once; float32 images of two axes read linearly have their
///   places in float64 and sums of four terms in float32; cubic is Keys' kernel with -0.75.
/// - Source: ONNX GridSample 16, 20 (r other than 2), 22.
public struct GridSample: FormulaGradient {
  public enum Mode: String, Sendable { case linear, nearest, cubic }
  public enum Padding: String, Sendable { case zeros, border, reflection }
  public let mode: Mode
  public let padding: Padding
  public let alignsCorners: Bool

  static let types: DTypes = [.numeric, .bool, .complex, .string]

  public static let schema = Schema(
    "GridSample", versions: [16, 20, 22],
    inputs: [Parameter("X", types, "T1"), Parameter("grid", .floats, "T2")],
    outputs: [Parameter("Y", types, "T1")],
    attributes: [
      AttributeSpec("mode", .string, "linear, nearest or cubic; default linear"),
      AttributeSpec("padding_mode", .string, "zeros, border or reflection; default zeros"),
      AttributeSpec("align_corners", .int, "1: -1 and 1 are centres of corner pixels; default 0"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 3, 4], (1...24).map { Float($0 * $0 % 11) })
      let grid = try Tensor(
        shape: [1, 2, 2, 2], [-0.8, 0.3, 0.1, -0.45, 0.65, 1.4, -1.7, 0.2] as [Float])
      return [
        .init(GridSample(), [x, grid]),
        .init(GridSample(mode: .nearest, padding: .border), [x, grid]),
        .init(GridSample(mode: .cubic, padding: .reflection, alignsCorners: true), [x, grid]),
      ]
    })

  public init(mode: Mode = .linear, padding: Padding = .zeros, alignsCorners: Bool = false) {
    self.mode = mode
    self.padding = padding
    self.alignsCorners = alignsCorners
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    let given = try a.string(
      "mode", default: "linear", oneOf: ["linear", "nearest", "cubic", "bilinear", "bicubic"])
    mode = given == "nearest" ? .nearest : given.hasSuffix("linear") ? .linear : .cubic
    let pad = try a.string(
      "padding_mode", default: "zeros", oneOf: ["zeros", "border", "reflection"])
    padding = Padding(rawValue: pad) ?? .zeros
    alignsCorners = try a.bool("align_corners", default: false)
  }
  public var attributes: [Attribute] {
    [
      .string("mode", mode.rawValue), .string("padding_mode", padding.rawValue),
      .bool("align_corners", alignsCorners),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0), let grid = c.dims(1) else {
      let rank = c.rank(0) ?? c.rank(1)
      return [Fact(c.dtype(0), rank.map { c.unknown(rank: $0) })]
    }
    guard x.count == grid.count, x.count >= 3,
      (grid[grid.count - 1].known).map({ $0 == x.count - 2 }) ?? true
    else {
      throw EngineError(
        .shape, "the grid does not fit the image",
        expected: "[N, ..., \(x.count - 2)] of rank \(x.count) for \(x)", received: "\(grid)")
    }
    if let n = x[0].known, let other = grid[0].known, n != other {
      throw EngineError(
        .shape, "the grid has another batch than the image", expected: "\(n)", received: "\(other)")
    }
    return [Fact(c.dtype(0), [x[0], x[1]] + grid[1..<grid.count - 1])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, grid, y) = (try p.input(0), try p.input(1), try p.output(0))
    guard GridSample.types.contains(x.dtype), DTypes.floats.contains(grid.dtype) else {
      throw p.noKernel()
    }
    if x.dtype == .string { return .dynamic }
    let r = x.shape.rank - 2
    let sizes = Table(Array(x.shape.array.dropFirst(2)))
    let strides = Table(Array(x.shape.strides.dropFirst(2)))
    let (batch, channels) = (x.shape[0], x.shape[1])
    let points = y.shape.count(of: 2..<y.shape.rank)
    let plane = x.shape.count(of: 2..<x.shape.rank)
    guard plane > 0 || y.count == 0 else {
      throw EngineError(.shape, "the image has no pixels", received: "\(x.shape)")
    }
    if mode == .linear, padding != .reflection, r == 2, x.dtype == .float32,
      grid.dtype == .float32, y.count > 0
    {
      let reading = GridReading(
        batch: batch, channels: channels, height: sizes[0], width: sizes[1], points: points,
        aligns: alignsCorners, border: padding == .border)
      return Prepared(scratchBytes: reading.scratchBytes, label: "\(mode)") { m in
        reading.run(
          x: m.input(0), grid: m.input(1), y: m.output(0), scratch: m.scratch, pool: m.pool)
      }
    }
    let taps = mode == .nearest ? 1 : mode == .linear ? 2 : 4
    let axes = SampledAxes(mode, padding, alignsCorners)
    let workers = max(1, min(p.options.threads, points))
    // Each worker has the places and weights of the taps along each axis, then of all combined.
    var combined = 1
    for _ in 0..<r { combined *= taps }
    let each = 2 * (combined + r * taps)
    let total = combined
    // A complex number is two reals that are read alike.
    let parts = DTypes.complex.contains(x.dtype) ? 2 : 1
    let dtype = parts == 1 ? x.dtype : x.dtype == .complex64 ? DType.float32 : .float64
    let places = grid.dtype
    return Prepared(scratchBytes: workers * each * 8, label: "\(mode)") { m in
      m.pool.run(workers) { worker in
        let weights = m.scratch.assumingMemoryBound(to: Double.self) + worker * each
        let offsets = (m.scratch + (worker * each + total + r * taps) * 8)
          .assumingMemoryBound(to: Int.self)
        let (ownWeights, ownOffsets) = (weights + total, offsets + total)
        for n in 0..<batch {
          for i in stride(from: worker, to: points, by: workers) {
            for a in 0..<r {
              let place = loadNumber(m.inputs[1], (n * points + i) * r + r - 1 - a, places)
              axes.taps(
                place, size: sizes[a], stride: strides[a], ownWeights + a * taps,
                ownOffsets + a * taps)
            }
            for t in 0..<total {
              var (rest, weight, offset) = (t, 1.0, 0)
              for a in 0..<r {
                let k = a * taps + rest % taps
                rest /= taps
                weight *= ownWeights[k]
                offset += ownOffsets[k]
              }
              weights[t] = weight
              offsets[t] = offset
            }
            for channel in 0..<channels {
              let base = (n * channels + channel) * plane
              let result = (n * channels + channel) * points + i
              for part in 0..<parts {
                var sum = 0.0
                for t in 0..<total where weights[t] != 0 {
                  let at = (base + offsets[t]) * parts + part
                  sum += weights[t] * loadNumber(m.inputs[0], at, dtype)
                }
                storeNumber(sum, m.outputs[0], result * parts + part, dtype)
              }
            }
          }
        }
      }
    }
  }
}

extension GridSample {
  /// Strings move as their places do.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    guard mode == .nearest else {
      throw EngineError(
        .dtype, "strings cannot be mixed", expected: "mode nearest", received: "\(mode)")
    }
    return try moveByPlaces(self, e)
  }
}

/// Which pixels of an axis a place reads, and how much of each.
private struct SampledAxes: Sendable {
  let mode: GridSample.Mode
  let padding: GridSample.Padding
  let aligns: Bool

  init(_ mode: GridSample.Mode, _ padding: GridSample.Padding, _ aligns: Bool) {
    self.mode = mode
    self.padding = padding
    self.aligns = aligns
  }

  func taps(
    _ place: Double, size: Int, stride: Int, _ weights: UnsafeMutablePointer<Double>,
    _ offsets: UnsafeMutablePointer<Int>
  ) {
    let n = Double(size)
    var x = aligns ? (place + 1) / 2 * (n - 1) : ((place + 1) * n - 1) / 2
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    let (low, high) = aligns ? (0, n - 1) : (-0.5, n - 0.5)
    if x < low || x > high {
      if padding == .border { x = min(max(x, 0), n - 1) }
      if padding == .reflection { x = reflected(x, low, high) }
    }
    // Far outside, or NaN, no pixel is near: the arithmetic of integers must still hold.
    x = x.isNaN ? 0 : min(max(x, -1e9), 1e9 + n)
    let first = x.rounded(.down)
    let t = x - first
    switch mode {
    case .nearest:
      put(Int(x), 1, 0, size, stride, weights, offsets)
    case .linear:
      put(Int(first), 1 - t, 0, size, stride, weights, offsets)
      put(Int(first) + 1, t, 1, size, stride, weights, offsets)
    case .cubic:
      put(Int(first) - 1, far(1 + t), 0, size, stride, weights, offsets)
      put(Int(first), near(t), 1, size, stride, weights, offsets)
      put(Int(first) + 1, near(1 - t), 2, size, stride, weights, offsets)
      put(Int(first) + 2, far(2 - t), 3, size, stride, weights, offsets)
    }
  }

  private func near(_ t: Double) -> Double { (1.25 * t - 2.25) * t * t + 1 }
  private func far(_ t: Double) -> Double { ((-0.75 * t + 3.75) * t - 6) * t + 3 }

  private func put(
    _ pixel: Int, _ weight: Double, _ k: Int, _ size: Int, _ stride: Int,
    _ weights: UnsafeMutablePointer<Double>, _ offsets: UnsafeMutablePointer<Int>
  ) {
    var at = pixel
    var w = weight
    if at < 0 || at >= size {
      switch padding {
      case .zeros: (at, w) = (0, 0)
      case .border: at = min(max(at, 0), size - 1)
      case .reflection:
        let (low, high) = aligns ? (0, Double(size) - 1) : (-0.5, Double(size) - 0.5)
        at = min(max(Int(reflected(Double(at), low, high)), 0), size - 1)
      }
    }
    weights[k] = w
    offsets[k] = at * stride
  }

  /// `x` mirrored at the borders until it lies within them.
  private func reflected(_ x: Double, _ low: Double, _ high: Double) -> Double {
    let range = high - low
    guard range > 0, x.isFinite else { return low }
    guard x < low || x > high else { return x }
    let distance = x < low ? low - x : x - high
    let turns = (distance / range).rounded(.down)
    let rest = distance - turns * range
    let isEven = turns.truncatingRemainder(dividingBy: 2) == 0
    return (x < low) == isEven ? low + rest : high - rest
  }
}
