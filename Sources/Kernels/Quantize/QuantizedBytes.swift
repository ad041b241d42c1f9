import CKernels
import Tensors

/// A scale and a zero point of 8-bit codes that stand for `(code - zero) * scale`.
public struct ByteScale: Sendable {
  public let scale: Float
  public let zero: Int32
  public init(scale: Float, zero: Int32) {
    self.scale = scale
    self.zero = zero
  }

  /// The float at `scale` and the 8-bit integer at `zero`, 0 where there is none.
  public init(_ scale: UnsafeRawPointer, zero: UnsafeRawPointer?, isSigned: Bool) {
    self.scale = scale.loadUnaligned(as: Float.self)
    self.zero = zero.map { QuantizedBytes.code($0, 0, isSigned: isSigned) } ?? 0
  }
}

/// Arithmetic on tensors of int8 or uint8 codes, rounded to nearest, ties to even, and saturated,
/// each step in the order in which ONNX Runtime takes it, so that results are the same codes.
public enum QuantizedBytes {
  @inline(__always)
  public static func code(_ p: UnsafeRawPointer, _ i: Int, isSigned: Bool) -> Int32 {
    isSigned
      ? Int32(p.load(fromByteOffset: i, as: Int8.self))
      : Int32(p.load(fromByteOffset: i, as: UInt8.self))
  }

  /// `saturate(round(value) + zero)`; NaN gives the least code.
  @inline(__always)
  public static func store(
    _ value: Float, zero: Int32, _ p: UnsafeMutableRawPointer, _ i: Int, isSigned: Bool
  ) {
    let low: Float = (isSigned ? -128 : 0) - Float(zero)
    let high = low + 255
    let v = value > low ? (value < high ? value : high) : low
    let code = nearestInteger(v) &+ zero
    p.storeBytes(of: UInt8(truncatingIfNeeded: code), toByteOffset: i, as: UInt8.self)
  }

  /// `x y + z` rounded once: codes have few digits, so that the sum is exact in float64.
  @inline(__always) private static func fused(_ x: Float, _ y: Float, _ z: Float) -> Float {
    Float(Double(x) * Double(y) + Double(z))
  }

  private typealias Sum =
    @convention(c) (
      Int, UnsafePointer<UInt8>?, Int, Float, UnsafePointer<UInt8>?, Int, Float, Float, Int32,
      UnsafeMutablePointer<UInt8>?
    ) -> Void
  private typealias Product =
    @convention(c) (
      Int, UnsafePointer<UInt8>?, Int, Float, UnsafePointer<UInt8>?, Int, Float, Float, Float,
      Int32, UnsafeMutablePointer<UInt8>?
    ) -> Void
  #if arch(x86_64)
    private static let sums: [Sum] = [
      dl_codes_sum__scalar, dl_codes_sum__avx2, dl_codes_sum__avx512,
    ]
    private static let products: [Product] = [
      dl_codes_product__scalar, dl_codes_product__avx2, dl_codes_product__avx512,
    ]
  #else
    private static let sums: [Sum] = [
      dl_codes_sum__scalar, dl_codes_sum__scalar, dl_codes_sum__scalar,
    ]
    private static let products: [Product] = [
      dl_codes_product__scalar, dl_codes_product__scalar, dl_codes_product__scalar,
    ]
  #endif
  @inline(__always) private static func codes(_ p: UnsafeRawPointer) -> UnsafePointer<UInt8> {
    p.assumingMemoryBound(to: UInt8.self)
  }

  /// `a + b` over broadcast codes: `round(ra a + (rb b + fixed))` with `ra = a.scale / y.scale`,
  /// `rb` likewise, `fixed = y.zero - (ra a.zero + rb b.zero)`, products and sums fused.
  public static func add(
    _ plan: BroadcastPlan, _ a: UnsafeRawPointer, _ aScale: ByteScale, _ b: UnsafeRawPointer,
    _ bScale: ByteScale, _ y: UnsafeMutableRawPointer, _ yScale: ByteScale, isSigned: Bool,
    pool: ThreadPool
  ) {
    // Of an inner run, the factor that stays is added first.
    let swaps = plan.stride(0) == 0 && plan.stride(1) == 1
    let (r0, r1) = (aScale.scale / yScale.scale, bScale.scale / yScale.scale)
    let (z0, z1) = (Float(aScale.zero), Float(bScale.zero))
    let (rx, ry) = swaps ? (r1, r0) : (r0, r1)
    let (zx, zy) = swaps ? (z1, z0) : (z0, z1)
    let fixed = Float(yScale.zero) - fused(rx, zx, ry * zy)
    let (sa, sb) = (plan.stride(0), plan.stride(1))
    let sum = sums[Int(KernelISA.best.rawValue)]
    pool.run(plan.pieces) { piece in
      plan.forEachRun(piece: piece) { at, i, j, _, n in
        let (u, v) = (codes(a + i), codes(b + j))
        sum(
          n, swaps ? v : u, swaps ? sb : sa, rx, swaps ? u : v, swaps ? sa : sb, ry, fixed,
          isSigned ? 1 : 0, (y + at).assumingMemoryBound(to: UInt8.self))
      }
    }
  }

  /// `a * b` over broadcast codes: `round((a - a.zero) (b - b.zero) (a.scale b.scale / y.scale) +
  /// y.zero)`.
  public static func multiply(
    _ plan: BroadcastPlan, _ a: UnsafeRawPointer, _ aScale: ByteScale, _ b: UnsafeRawPointer,
    _ bScale: ByteScale, _ y: UnsafeMutableRawPointer, _ yScale: ByteScale, isSigned: Bool,
    pool: ThreadPool
  ) {
    let factor = aScale.scale * bScale.scale / yScale.scale
    let zero = Float(yScale.zero)
    let (sa, sb) = (plan.stride(0), plan.stride(1))
    let product = products[Int(KernelISA.best.rawValue)]
    pool.run(plan.pieces) { piece in
      plan.forEachRun(piece: piece) { at, i, j, _, n in
        product(
          n, codes(a + i), sa, Float(aScale.zero), codes(b + j), sb, Float(bScale.zero), factor,
          zero, isSigned ? 1 : 0, (y + at).assumingMemoryBound(to: UInt8.self))
      }
    }
  }

  /// Fills the 256 codes of `table`, one for each bit pattern of a code, with the codes of
  /// `function((code - zero) * scale)`.
  public static func tabulate(
    _ table: UnsafeMutableRawPointer, from x: ByteScale, xIsSigned: Bool, to y: ByteScale,
    yIsSigned: Bool, _ function: (Float) -> Float
  ) {
    for bits in 0..<256 {
      let code =
        xIsSigned ? Int32(Int8(truncatingIfNeeded: bits)) : Int32(UInt8(truncatingIfNeeded: bits))
      let value = function(Float(code &- x.zero) * x.scale)
      store(value / y.scale, zero: y.zero, table, bits, isSigned: yIsSigned)
    }
  }

  /// `y[i] = table[x[i]]` for `count` codes.
  public static func look(
    _ table: UnsafeRawPointer, count: Int, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    ByteLookup.run(
      table.assumingMemoryBound(to: UInt8.self), x.assumingMemoryBound(to: UInt8.self),
      y.assumingMemoryBound(to: UInt8.self), count, pool: pool)
  }

  /// `rows` rows of `n` codes through `table`, those of `y` `step` apart.
  public static func look(
    _ table: UnsafeRawPointer, rows: Int, _ n: Int, _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, step: Int, pool: ThreadPool
  ) {
    let each = max(1, 8192 / max(n, 1))
    let table = table.assumingMemoryBound(to: UInt8.self)
    let x = x.assumingMemoryBound(to: UInt8.self)
    let y = y.assumingMemoryBound(to: UInt8.self)
    pool.run((rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows, (piece + 1) * each) {
        let (from, to) = (x + r * n, y + r * step)
        for i in 0..<n { to[i] = table[Int(from[i])] }
      }
    }
  }

  /// `y = (x - zero) * scale` for `count` codes.
  public static func dequantize(
    count: Int, _ x: UnsafeRawPointer, _ scale: ByteScale, isSigned: Bool,
    _ y: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let step = BroadcastPlan.pieceElements
    pool.run((count + step - 1) / step) { piece in
      for i in piece * step..<min(count, (piece + 1) * step) {
        y[i] = Float(code(x, i, isSigned: isSigned) &- scale.zero) * scale.scale
      }
    }
  }

  /// `y = saturate(round(x / scale + zero))` for `count` numbers: the zero point is added before
  /// rounding.
  public static func quantize(
    count: Int, _ x: UnsafePointer<Float>, _ scale: ByteScale, isSigned: Bool,
    _ y: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let step = BroadcastPlan.pieceElements
    let zero = Float(scale.zero)
    pool.run((count + step - 1) / step) { piece in
      for i in piece * step..<min(count, (piece + 1) * step) {
        store(x[i] / scale.scale + zero, zero: 0, y, i, isSigned: isSigned)
      }
    }
  }

  /// Means of `planes` rows of `n` codes: `round(sum(x - zero) (x.scale / (y.scale n))) + y.zero`.
  ///
  /// Row `p` begins at `p / inner * n * inner + p % inner`, its codes `inner` apart.
  public static func means(
    _ x: UnsafeRawPointer, _ from: ByteScale, planes: Int, n: Int, inner: Int,
    _ y: UnsafeMutableRawPointer, _ to: ByteScale, isSigned: Bool, pool: ThreadPool
  ) {
    let factor = from.scale / (to.scale * Float(n))
    let each = max(1, 8192 / max(n, 1))
    pool.run((planes + each - 1) / each) { piece in
      for p in piece * each..<min(planes, (piece + 1) * each) {
        let first = p / inner * n * inner + p % inner
        var sum = 0
        for i in 0..<n { sum &+= Int(code(x, first &+ i &* inner, isSigned: isSigned)) }
        let total = sum &- n &* Int(from.zero)
        store(Float(total) * factor, zero: to.zero, y, p, isSigned: isSigned)
      }
    }
  }
}
