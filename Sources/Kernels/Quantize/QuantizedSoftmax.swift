import Tensors

/// Softmax of rows of codes in integers.
///
/// `e[i] = round(q exp((x[i] - max x) scale))` with `q = min((2^32 - 1) / n, 2^23 - 1)` comes from
/// a table of 256; the result is `(e[i] floor(1 / y.scale) + s / 2) / s + y.zero` in integers, with
/// `s` the sum of the row: ONNX Runtime's arithmetic.
public struct QuantizedSoftmax: Sendable {
  let outer: Int
  let n: Int
  let inner: Int
  let isSigned: Bool

  /// Rows along the middle axis of `[outer, n, inner]`.
  public init(outer: Int, n: Int, inner: Int, isSigned: Bool) {
    self.outer = outer
    self.n = n
    self.inner = inner
    self.isSigned = isSigned
  }

  /// Bytes of scratch that `run` needs.
  public var scratchBytes: Int { 256 * 8 }

  public func run(
    _ x: UnsafeRawPointer, scale: Float, _ y: UnsafeMutableRawPointer, _ to: ByteScale,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if outer == 0 || n == 0 || inner == 0 { return }
    let table = scratch.assumingMemoryBound(to: UInt64.self)
    let q = min(Double(UInt32.max) / Double(n), 8_388_607)
    for i in 0..<256 {
      let e = Double.exponential(Double(scale) * Double(i - 255)) * q
      table[i] = e > 0 && e <= q ? UInt64(e.rounded(.toNearestOrEven)) : 0
    }
    // NaN and infinite scales give no sensible code; they must not trap either.
    let reciprocal = (1 / to.scale).rounded(.down)
    let levels = reciprocal >= 0 && reciprocal < 4e9 ? UInt64(reciprocal) : 0
    let each = max(1, 4096 / n)
    let rows = outer * inner
    pool.run((rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows, (piece + 1) * each) {
        let first = r / inner * n * inner + r % inner
        var greatest: Int32 = -128
        for i in 0..<n {
          greatest = max(
            greatest, QuantizedBytes.code(x, first &+ i &* inner, isSigned: isSigned))
        }
        let shift = 255 - Int(greatest)
        var sum: UInt64 = 0
        for i in 0..<n {
          sum &+=
            table[
              shift &+ Int(QuantizedBytes.code(x, first &+ i &* inner, isSigned: isSigned))]
        }
        for i in 0..<n {
          let at = first &+ i &* inner
          let e = table[shift &+ Int(QuantizedBytes.code(x, at, isSigned: isSigned))]
          let share = sum == 0 ? 0 : (e &* levels &+ sum >> 1) / sum
          let code = Int(min(share, 1 << 20)) + Int(to.zero)
          let (low, high) = isSigned ? (-128, 127) : (0, 255)
          y.storeBytes(
            of: UInt8(truncatingIfNeeded: min(max(code, low), high)), toByteOffset: at,
            as: UInt8.self)
        }
      }
    }
  }
}
