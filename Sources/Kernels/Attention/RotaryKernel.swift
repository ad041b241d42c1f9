import Tensors

/// Rotary position embedding of `[batch, length, heads]` vectors, float32 or float64.
public struct RotaryKernel: Sendable {
  let batch: Int
  let length: Int
  let heads: Int
  let size: Int
  /// Elements of a vector that turn: the first ones, an even number.
  let turned: Int
  let isInterleaved: Bool
  let layout: AttentionKernel.Layout

  public init(
    batch: Int, length: Int, heads: Int, size: Int, turned: Int, isInterleaved: Bool,
    layout: AttentionKernel.Layout
  ) {
    self.batch = batch
    self.length = length
    self.heads = heads
    self.size = size
    self.turned = turned
    self.isInterleaved = isInterleaved
    self.layout = layout
  }

  /// `cos` and `sin` have rows of `turned / 2`: row `positions[i]` for token `i` of
  /// `[batch, length]`, or row `i` without positions.
  ///
  /// Errors: `.value` for a position outside `0..<rows`.
  public func run(
    _ dtype: DType, _ x: UnsafeRawPointer, cos: UnsafeRawPointer, sin: UnsafeRawPointer,
    positions: UnsafePointer<Int64>?, rows: Int, into y: UnsafeMutableRawPointer, pool: ThreadPool
  ) throws(EngineError) {
    if let positions {
      for i in 0..<batch * length where positions[i] < 0 || positions[i] >= Int64(rows) {
        throw EngineError(
          .value, "a position lies outside the cache", expected: "0 to \(rows - 1)",
          received: "\(positions[i])")
      }
    }
    if dtype == .float32 {
      run(Float.self, x, cos, sin, positions, y, pool)
    } else {
      run(Double.self, x, cos, sin, positions, y, pool)
    }
  }

  private func run<T: Real & SIMDScalar>(
    _: T.Type, _ x: UnsafeRawPointer, _ cos: UnsafeRawPointer, _ sin: UnsafeRawPointer,
    _ positions: UnsafePointer<Int64>?, _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let half = turned / 2
    pool.run(batch * length) { i in
      let row = positions.map { Int($0[i]) } ?? i
      let cos = cos.assumingMemoryBound(to: T.self) + row * half
      let sin = sin.assumingMemoryBound(to: T.self) + row * half
      for h in 0..<heads {
        let at = i / length * layout.batch + h * layout.head + i % length * layout.row
        let from = x.assumingMemoryBound(to: T.self) + at
        let to = y.assumingMemoryBound(to: T.self) + at
        if !isInterleaved {
          rotate(from, from + half, cos, sin, to, to + half, half)
        }
        for j in 0..<(isInterleaved ? half : 0) {
          let (p, q) = (2 * j, 2 * j + 1)
          let (a, b) = (from[p], from[q])
          to[p] = cos[j] * a - sin[j] * b
          to[q] = sin[j] * a + cos[j] * b
        }
        for j in turned..<max(turned, size) { to[j] = from[j] }
      }
    }
  }

  /// Pairs of elements of two stretches, eight at a time. Results may lie over what they are of.
  @inline(__always) private func rotate<T: Real>(
    _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ cos: UnsafePointer<T>,
    _ sin: UnsafePointer<T>, _ p: UnsafeMutablePointer<T>, _ q: UnsafeMutablePointer<T>, _ n: Int
  ) where T: SIMDScalar {
    func eight(_ x: UnsafePointer<T>, _ i: Int) -> SIMD8<T> {
      UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<T>.self)
    }
    var i = 0
    while i + 8 <= n {
      let (x, y, c, s) = (eight(a, i), eight(b, i), eight(cos, i), eight(sin, i))
      UnsafeMutableRawPointer(p + i).storeBytes(of: c * x - s * y, as: SIMD8<T>.self)
      UnsafeMutableRawPointer(q + i).storeBytes(of: s * x + c * y, as: SIMD8<T>.self)
      i += 8
    }
    while i < n {
      let (x, y) = (a[i], b[i])
      p[i] = cos[i] * x - sin[i] * y
      q[i] = sin[i] * x + cos[i] * y
      i += 1
    }
  }
}
