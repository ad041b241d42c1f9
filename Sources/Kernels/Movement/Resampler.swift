import CKernels
import Tensors

/// What becomes of one axis when a tensor is resampled: each element of the result is a weighted
/// sum of `taps` elements of the axis.
public struct AxisResampling: Sendable {
  public let axis: Int
  public let size: Int
  public let taps: Int
  /// `[size * taps]` places along the source axis.
  public let indices: [Int32]
  /// `[size * taps]`.
  public let weights: [Double]

  public init(axis: Int, size: Int, taps: Int, indices: [Int32], weights: [Double]) {
    self.axis = axis
    self.size = size
    self.taps = taps
    self.indices = indices
    self.weights = weights
  }
}

/// Resamples a tensor axis by axis, planned once and run often.
///
/// float32 and complex64 are computed as they are, float16, bfloat16, bool and integers up to 16 bits in
/// float32, everything else in float64. Integers round to nearest, ties to even, and saturate.
/// Results do not depend on the number of threads.
public final class Resampler: @unchecked Sendable {
  struct Pass {
    let outer: Int
    let from: Int
    let to: Int
    let inner: Int
    let taps: Int
    let indices: UnsafeMutablePointer<Int32>
    let floats: UnsafeMutablePointer<Float>
    let doubles: UnsafeMutablePointer<Double>
    /// Where the axis is the last and elements are float32.
    let rows: ResampleRows?
  }
  private let passes: [Pass]
  private let dtype: DType
  private let planes: Int
  private let planeIn: Int
  private let planeOut: Int
  private let pieces: Int
  /// Elements of one intermediate result of a plane.
  private let between: Int
  private let isDouble: Bool
  /// Whether elements need no conversion.
  private let isDirect: Bool
  private let elementBytes: Int
  private let avx2 = dl_movement_has_avx2() != 0
  public let scratchBytes: Int

  /// Whether elements of `dtype` can be weighed.
  public static func supports(_ dtype: DType) -> Bool {
    switch dtype {
    case .string: false
    default: dtype.bits >= 8 && !(dtype.isFloat && dtype.bits == 8)
    }
  }

  /// Plans resampling `shape` along the axes of `axes`, in that order. Indices lie within the axes
  /// of `shape`; `axes` is not empty and `dtype` is supported.
  public init(shape: [Int], axes: [AxisResampling], dtype: DType, threads: Int) {
    precondition(Resampler.supports(dtype) && !axes.isEmpty, "resampling \(dtype)\(shape)")
    self.dtype = dtype
    // A complex number is two neighbours that go the same way.
    let isComplex = dtype == .complex64 || dtype == .complex128
    let shape = isComplex ? shape + [2] : shape
    isDouble = dtype == .float64 || dtype == .complex128 || dtype.isInteger && dtype.bits > 16
    let first = axes.map(\.axis).reduce(shape.count) { min($0, $1) }
    let outermost = shape[..<first].reduce(1, *)
    // Planes for the threads to share; where they do not suffice, each pass is shared instead.
    planes = outermost >= threads ? outermost : 1
    let lead = planes == 1 ? 0 : first
    var sizes = Array(shape[lead...])
    planeIn = sizes.reduce(1, *)
    isDirect = isComplex || dtype == .float32 || dtype == .float64
    elementBytes = isComplex ? dtype.byteSize / 2 : dtype.byteSize
    var most = isDirect ? 0 : planeIn
    var passes: [Pass] = []
    for (i, a) in axes.enumerated() {
      let at = a.axis - lead
      let source = sizes[at]
      precondition(
        a.indices.count == a.size * a.taps && a.weights.count == a.size * a.taps
          && a.indices.allSatisfy { $0 >= 0 && Int($0) < source },
        "a resampling leads outside an axis of \(source)")
      let count = max(1, a.indices.count)
      let pass = Pass(
        outer: sizes[..<at].reduce(1, *), from: source, to: a.size,
        inner: sizes[(at + 1)...].reduce(1, *), taps: a.taps,
        indices: .allocate(capacity: count), floats: .allocate(capacity: count),
        doubles: .allocate(capacity: count),
        rows: isDouble || at + 1 < sizes.count ? nil : ResampleRows(a, from: source))
      for (k, index) in a.indices.enumerated() {
        pass.indices[k] = index
        pass.floats[k] = Float(a.weights[k])
        pass.doubles[k] = a.weights[k]
      }
      passes.append(pass)
      sizes[at] = a.size
      if i + 1 < axes.count || !isDirect { most = max(most, sizes.reduce(1, *)) }
    }
    self.passes = passes
    planeOut = sizes.reduce(1, *)
    between = most
    pieces = planes == 1 ? 1 : min(threads, planes)
    scratchBytes = 2 * between * (isDouble ? 8 : 4) * pieces
  }

  deinit {
    for p in passes {
      p.indices.deallocate()
      p.floats.deallocate()
      p.doubles.deallocate()
    }
  }

  /// Writes the whole result. `scratch` holds `scratchBytes` bytes.
  public func run(
    to target: UnsafeMutableRawPointer, from source: UnsafeRawPointer,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let size = elementBytes
    let buffer = between * (isDouble ? 8 : 4)
    if planes == 1 {
      plane(to: target, from: source, scratch, scratch + buffer, pool)
      return
    }
    pool.run(pieces) { piece in
      let a = scratch + piece * 2 * buffer
      for i in planes * piece / pieces..<planes * (piece + 1) / pieces {
        plane(
          to: target + i * planeOut * size, from: source + i * planeIn * size, a, a + buffer, nil)
      }
    }
  }

  private func plane(
    to target: UnsafeMutableRawPointer, from source: UnsafeRawPointer,
    _ a: UnsafeMutableRawPointer, _ b: UnsafeMutableRawPointer, _ pool: ThreadPool?
  ) {
    var current = source
    var isInA = false
    if !isDirect {
      if isDouble {
        NumberConversion.load(dtype, source, a.assumingMemoryBound(to: Double.self), planeIn)
      } else {
        NumberConversion.load(dtype, source, a.assumingMemoryBound(to: Float.self), planeIn)
      }
      current = UnsafeRawPointer(a)
      isInA = true
    }
    for i in passes.indices {
      let to = isDirect && i == passes.count - 1 ? target : isInA ? b : a
      apply(passes[i], to, current, pool)
      current = UnsafeRawPointer(to)
      isInA.toggle()
    }
    if isDirect { return }
    if isDouble {
      NumberConversion.store(dtype, current.assumingMemoryBound(to: Double.self), target, planeOut)
    } else {
      NumberConversion.store(dtype, current.assumingMemoryBound(to: Float.self), target, planeOut)
    }
  }

  private func apply(
    _ p: Pass, _ to: UnsafeMutableRawPointer, _ from: UnsafeRawPointer, _ pool: ThreadPool?
  ) {
    if let rows = p.rows {
      let y = to.assumingMemoryBound(to: Float.self)
      let x = from.assumingMemoryBound(to: Float.self)
      let isShared = (pool?.threads ?? 1) > 1 && p.outer * p.to >= 1 << 15
      let pieces = isShared ? min((pool?.threads ?? 1) * 2, p.outer) : 1
      (isShared ? pool ?? .single : .single).run(pieces) { piece in
        let (first, end) = (p.outer * piece / pieces, p.outer * (piece + 1) / pieces)
        rows.run(y + first * p.to, x + first * p.from, rows: end - first)
      }
      return
    }
    guard let pool, pool.threads > 1, p.outer * p.to * p.inner >= 1 << 15 else {
      for o in 0..<p.outer { slices(p, o, 0..<p.to, to, from) }
      return
    }
    let rows = p.outer * p.to
    let pieces = min(pool.threads * 2, rows)
    pool.run(pieces) { piece in
      var row = rows * piece / pieces
      let end = rows * (piece + 1) / pieces
      while row < end {
        let first = row % p.to
        let last = min(p.to, first + end - row)
        slices(p, row / p.to, first..<last, to, from)
        row += last - first
      }
    }
  }

  /// Elements `range` of the axis in outer slice `o`.
  private func slices(
    _ p: Pass, _ o: Int, _ range: Range<Int>, _ to: UnsafeMutableRawPointer,
    _ from: UnsafeRawPointer
  ) {
    let k = range.lowerBound * p.taps
    let at = (o * p.to + range.lowerBound) * p.inner
    if !isDouble {
      let y = to.assumingMemoryBound(to: Float.self) + at
      let x = from.assumingMemoryBound(to: Float.self) + o * p.from * p.inner
      if avx2 {
        dl_resample_f32__avx2(
          y, x, p.indices + k, p.floats + k, Int64(range.count), Int64(p.taps), Int64(p.inner))
      } else {
        dl_resample_f32__scalar(
          y, x, p.indices + k, p.floats + k, Int64(range.count), Int64(p.taps), Int64(p.inner))
      }
      return
    }
    let y = to.assumingMemoryBound(to: Double.self) + at
    let x = from.assumingMemoryBound(to: Double.self) + o * p.from * p.inner
    if avx2 {
      dl_resample_f64__avx2(
        y, x, p.indices + k, p.doubles + k, Int64(range.count), Int64(p.taps), Int64(p.inner))
    } else {
      dl_resample_f64__scalar(
        y, x, p.indices + k, p.doubles + k, Int64(range.count), Int64(p.taps), Int64(p.inner))
    }
  }
}
