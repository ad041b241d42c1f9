import CKernels
import Glibc
import Kernels
import Tensors
import Testing

/// Every kernel of the tables: against plain C, at sizes around the tiles, with a guard page behind
/// each buffer, broadcast and in place.
@Suite struct ElementwiseKernelTests {
  static let dtypes: [DType] = DType.allCases.filter { $0.rawValue <= 16 && $0.byteSize > 0 }
  static let sizes = [0, 1, 3, 8, 15, 17, 33, 64, 257]

  /// Bytes that make finite floats of moderate size and any integers.
  private func fill(_ p: UnsafeMutableRawPointer, _ dtype: DType, _ count: Int, seed: UInt64) {
    var state = seed
    func next() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 33) / Double(UInt32.max >> 1) * 8 - 4
    }
    for i in 0..<count {
      let v = next()
      switch dtype {
      case .float32: p.storeBytes(of: Float(v), toByteOffset: i * 4, as: Float.self)
      case .float64: p.storeBytes(of: v, toByteOffset: i * 8, as: Double.self)
      case .float16: p.storeBytes(of: Float16(v), toByteOffset: i * 2, as: Float16.self)
      case .bfloat16:
        p.storeBytes(of: BFloat16(Float(v)).bitPattern, toByteOffset: i * 2, as: UInt16.self)
      case .bool: p.storeBytes(of: v > 0 ? 1 : 0, toByteOffset: i, as: UInt8.self)
      default:
        for k in 0..<dtype.byteSize {
          p.storeBytes(
            of: UInt8(truncatingIfNeeded: state >> UInt64(8 * k)),
            toByteOffset: i * dtype.byteSize + k, as: UInt8.self)
        }
      }
    }
  }

  /// The largest difference in units in the last place of `dtype`; infinite where only one is NaN.
  private func distance(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ dtype: DType, _ count: Int
  ) -> Double {
    var worst = 0.0
    func see(_ x: Double, _ y: Double, _ ulp: Double) {
      if x == y || (x.isNaN && y.isNaN) { return }
      let d = abs(x - y) / ulp
      worst = max(worst, d.isNaN ? .infinity : d)
    }
    for i in 0..<count {
      switch dtype {
      case .float32:
        let (x, y) = (
          a.load(fromByteOffset: i * 4, as: Float.self),
          b.load(fromByteOffset: i * 4, as: Float.self)
        )
        see(Double(x), Double(y), Double(max(x.magnitude, .leastNormalMagnitude).ulp))
      case .float64:
        let (x, y) = (
          a.load(fromByteOffset: i * 8, as: Double.self),
          b.load(fromByteOffset: i * 8, as: Double.self)
        )
        see(x, y, max(x.magnitude, .leastNormalMagnitude).ulp)
      case .float16:
        let (x, y) = (
          a.load(fromByteOffset: i * 2, as: Float16.self),
          b.load(fromByteOffset: i * 2, as: Float16.self)
        )
        see(Double(x), Double(y), Double(max(x.magnitude, .leastNormalMagnitude).ulp))
      case .bfloat16:
        let (x, y) = (
          a.load(fromByteOffset: i * 2, as: UInt16.self),
          b.load(fromByteOffset: i * 2, as: UInt16.self)
        )
        see(Double(x), Double(y), 1)
      default:
        if memcmp(a + i * dtype.byteSize, b + i * dtype.byteSize, dtype.byteSize) != 0 {
          worst = .infinity
        }
      }
    }
    return worst
  }

  @Test(arguments: BinaryOp.allCases) func binaryAgreesWithScalar(_ op: BinaryOp) throws {
    var kernels = 0
    for dtype in Self.dtypes {
      let code = Int32(dtype.rawValue)
      guard let plain = dl_binary_kernel(op.rawValue, code, 0) else { continue }
      let out: DType = op.isPredicate ? .bool : dtype
      for isa in KernelISA.available {
        let f = try #require(dl_binary_kernel(op.rawValue, code, isa.rawValue))
        kernels += 1
        for n in Self.sizes {
          for (sa, sb) in [(1, 1), (0, 1), (1, 0), (0, 0)] {
            let (na, nb) = (sa == 0 ? min(n, 1) : n, sb == 0 ? min(n, 1) : n)
            let a = try #require(GuardedMemory(bytes: na * dtype.byteSize))
            let b = try #require(GuardedMemory(bytes: nb * dtype.byteSize))
            let y = try #require(GuardedMemory(bytes: n * out.byteSize))
            let z = try #require(GuardedMemory(bytes: n * out.byteSize))
            fill(a.start, dtype, na, seed: 1)
            fill(b.start, dtype, nb, seed: 2)
            plain(a.start, b.start, z.start, n, sa, sb)
            f(a.start, b.start, y.start, n, sa, sb)
            #expect(distance(y.start, z.start, out, n) <= 1, "\(op) \(dtype) \(isa) \(n)")
            if sa == 1, out == dtype {
              f(a.start, b.start, a.start, n, sa, sb)
              #expect(distance(a.start, z.start, out, n) <= 1, "\(op) \(dtype) \(isa) in place")
            }
          }
        }
      }
    }
    #expect(kernels >= KernelISA.available.count)
  }

  @Test(arguments: UnaryOp.allCases) func unaryAgreesWithScalar(_ op: UnaryOp) throws {
    var kernels = 0
    let p = [0.5, 1.5]
    for dtype in Self.dtypes {
      let code = Int32(dtype.rawValue)
      guard let plain = dl_unary_kernel(op.rawValue, code, 0) else { continue }
      let out: DType = op.isPredicate ? .bool : dtype
      for isa in KernelISA.available {
        let f = try #require(dl_unary_kernel(op.rawValue, code, isa.rawValue))
        kernels += 1
        for n in Self.sizes {
          let x = try #require(GuardedMemory(bytes: n * dtype.byteSize))
          let y = try #require(GuardedMemory(bytes: n * out.byteSize))
          let z = try #require(GuardedMemory(bytes: n * out.byteSize))
          fill(x.start, dtype, n, seed: 3)
          plain(x.start, z.start, n, p)
          f(x.start, y.start, n, p)
          // Compilers contract products and sums where there is FMA. GELU subtracts nearly equal
          // numbers where its value is small, and so does its slope: their own tests have their errors.
          let isGelu = op == .gelu || op == .geluTanh || op == .geluSlope
          let isOwn = isGelu && dtype != .float64
          let cancels = isGelu || op == .hardSwish || op == .hardSigmoid
          let isWide = dtype == .float32 || dtype == .float64
          let bound: Double = isOwn ? .infinity : cancels ? 65_536 : isWide ? 4 : 1
          #expect(distance(y.start, z.start, out, n) <= bound, "\(op) \(dtype) \(isa) \(n)")
          if out == dtype {
            f(x.start, x.start, n, p)
            #expect(distance(x.start, y.start, out, n) == 0, "\(op) \(dtype) \(isa) in place")
          }
        }
      }
    }
    #expect(kernels >= KernelISA.available.count)
  }

  /// float32 functions against float64, over every 65,521st bit pattern.
  @Test func functionsAreAccurate() throws {
    let functions: [(UnaryOp, Double, (Double) -> Double)] = [
      (.exp, 1.1, { exp($0) }), (.log, 1.0, { log($0) }), (.erf, 1.2, { erf($0) }),
      (.tanh, 1.4, { tanh($0) }), (.sigmoid, 2.8, { 1 / (1 + exp(-$0)) }),
      (.softplus, 4, { $0 > 30 ? $0 + exp(-$0) : log1p(exp($0)) }),
      (.elu, 3, { $0 < 0 ? expm1($0) : $0 }), (.sqrt, 0.5, { $0.squareRoot() }),
      (.round, 0, { $0.rounded(.toNearestOrEven) }), (.atan, 3, { atan($0) }),
      (.asin, 3, { asin($0) }), (.acos, 2, { acos($0) }), (.sinh, 3, { sinh($0) }),
      (.cosh, 3, { cosh($0) }), (.asinh, 4, { asinh($0) }), (.acosh, 3, { acosh($0) }),
      (.atanh, 2, { atanh($0) }),
    ]
    let count = 1 << 16
    var x: [Float] = []
    for i in 0..<count { x.append(Float(bitPattern: UInt32(truncatingIfNeeded: i &* 65521))) }
    x += [
      0, -0.0, .infinity, -.infinity, .nan, 88.72284, -103.97208, 1, -1, .leastNonzeroMagnitude,
    ]
    for (op, bound, want) in functions {
      for isa in KernelISA.available {
        let f = try #require(dl_unary_kernel(op.rawValue, 1, isa.rawValue))
        var y = [Float](repeating: 0, count: x.count)
        f(x, &y, x.count, [1, 1])
        var worst = 0.0
        for i in 0..<x.count {
          let right = want(Double(x[i]))
          let near = Float(right)
          if y[i] == near || (y[i].isNaN && right.isNaN) { continue }
          guard y[i].isFinite, near.isFinite else {
            // One of the two may lie just beyond the range.
            let edge = Swift.min(y[i].magnitude, near.magnitude) >= Float.greatestFiniteMagnitude
            worst = Swift.max(worst, edge ? 1 : .infinity)
            continue
          }
          let ulp = Double(Swift.max(near.magnitude, .leastNormalMagnitude).ulp)
          worst = Swift.max(worst, abs(Double(y[i]) - right) / ulp)
        }
        #expect(worst <= bound, "\(op) \(isa): \(worst) ulp")
      }
    }
  }

  /// The error of GELU's slope, whose largest value is 1.13.
  @Test func geluSlopeIsAccurate() throws {
    let x = (-60_000...60_000).map { Float($0) / 5000 }
    for isa in KernelISA.available {
      let f = try #require(dl_unary_kernel(UnaryOp.geluSlope.rawValue, 1, isa.rawValue))
      var y = [Float](repeating: 0, count: x.count)
      f(x, &y, x.count, [1, 1])
      var worst = 0.0
      for i in 0..<x.count {
        let v = Double(x[i])
        let density = exp(-v * v / 2) / (2 * Double.pi).squareRoot()
        worst = Swift.max(
          worst, abs(Double(y[i]) - (0.5 * erfc(-v / 2.squareRoot()) + v * density)))
      }
      #expect(worst <= 5e-7, "\(isa): \(worst)")
    }
  }

  /// The error of GELU beside its input, 5e-8 of it, comes from 1 + erf.
  @Test func geluIsAccurate() throws {
    for isa in KernelISA.available {
      for op in [UnaryOp.gelu, .geluTanh] {
        let f = try #require(dl_unary_kernel(op.rawValue, 1, isa.rawValue))
        let x = (0...24_000).map { Float($0 - 12_000) * 0.001 }
        var y = [Float](repeating: 0, count: x.count)
        f(x, &y, x.count, [0, 0])
        var worst = 0.0
        for i in 0..<x.count {
          let v = Double(x[i])
          let right =
            op == .gelu
            ? 0.5 * v * erfc(-v / 2.0.squareRoot())
            : 0.5 * v * (1 + tanh(0.79788456080286535588 * (v + 0.044715 * v * v * v)))
          worst = Swift.max(worst, abs(Double(y[i]) - right))
        }
        #expect(worst <= 6e-7, "\(op) \(isa): \(worst)")
      }
    }
  }

  @Test func integersNeverTrap() throws {
    func result<T: Element>(_ op: BinaryOp, _ a: T, _ b: T) throws -> T {
      var all: [T] = []
      for isa in KernelISA.available {
        let f = try #require(dl_binary_kernel(op.rawValue, Int32(T.dtype.rawValue), isa.rawValue))
        var y = [b, b]
        f([a, a], [b, b], &y, 2, 1, 1)
        all += y
      }
      #expect(all.allSatisfy { $0 == all[0] })
      return all[0]
    }
    #expect(try result(.div, Int32.min, -1) == .min)
    #expect(try result(.div, Int64.min, -1) == .min)
    #expect(try result(.div, Int8.min, -1) == .min)
    #expect(try result(.div, Int64(5), 0) == 0)
    #expect(try result(.div, UInt8(5), 0) == 0)
    #expect(try result(.div, Int32(-7), 2) == -3)
    #expect(try result(.mod, Int32(-7), 3) == 2)
    #expect(try result(.mod, Int32(7), -3) == -2)
    #expect(try result(.mod, Int64.min, -1) == 0)
    #expect(try result(.mod, Int64(3), 0) == 0)
    #expect(try result(.fmod, Int32(-7), 3) == -1)
    #expect(try result(.fmod, UInt16(7), 0) == 0)
    #expect(try result(.mul, UInt16(65535), 65535) == 1)
    #expect(try result(.mul, Int16(-300), 300) == Int16(truncatingIfNeeded: -90000))
    #expect(try result(.add, Int8(127), 1) == -128)
    #expect(try result(.sub, UInt8(0), 1) == 255)
    // 3^41 modulo 2^64.
    #expect(try result(.pow, UInt64(3), 41) == 18_026_252_303_461_234_787)
    #expect(try result(.pow, Int32(-2), 5) == -32)
    #expect(try result(.pow, Int32(2), -1) == 0)
    #expect(try result(.pow, Int32(-1), -3) == -1)
    #expect(try result(.pow, Int32(0), -1) == 0)
    #expect(try result(.shiftLeft, UInt8(200), 1) == 144)
    #expect(try result(.shiftLeft, UInt8(1), 8) == 0)
    #expect(try result(.shiftLeft, Int32(1), -1) == 0)
    #expect(try result(.shiftRight, Int8(-8), 1) == -4)
    #expect(try result(.shiftRight, Int8(-8), 9) == -1)
    #expect(try result(.shiftRight, Int64(-8), -1) == -1)
    #expect(try result(.shiftRight, UInt64.max, 64) == 0)
  }

  /// Remainders have the library's bits, however far the quotients, also in place.
  @Test func remaindersAreExact() throws {
    let special: [Float] = [0, -0.0, 1, -1, .infinity, -.infinity, .nan, 1e-45, 3e38, 0.1, -7.5]
    var (a, b): ([Float], [Float]) = ([], [])
    for x in special { for y in special { (a, b) = (a + [x], b + [y]) } }
    for i in 0..<2000 {
      let (p, q) = (UInt32(truncatingIfNeeded: i &* 2_654_435_761), UInt32(i) &* 40_503)
      a.append(Float(bitPattern: p & 0x8FFF_FFFF | 0x3000_0000))
      b.append(Float(bitPattern: q & 0x80FF_FFFF | 0x3F00_0000) * (i % 3 == 0 ? 1 : 1e-6))
    }
    for isa in KernelISA.available {
      for (op, isFloored) in [(BinaryOp.fmod, false), (.mod, true)] {
        let f = try #require(dl_binary_kernel(op.rawValue, 1, isa.rawValue))
        var got = a
        got.withUnsafeMutableBufferPointer { f($0.baseAddress, b, $0.baseAddress, a.count, 1, 1) }
        for i in a.indices {
          var want = fmodf(a[i], b[i])
          if isFloored {
            want = want == 0 ? copysignf(0, b[i]) : (want < 0) != (b[i] < 0) ? want + b[i] : want
          }
          #expect(
            got[i].bitPattern == want.bitPattern || got[i].isNaN && want.isNaN,
            "\(isa) \(a[i]) by \(b[i]): \(got[i]) for \(want)")
        }
      }
    }
  }

  /// Squares, cubes and other powers of integers, of one exponent for all, wrap.
  @Test func powersOfIntegersWrap() throws {
    let x = (0..<50).map { Int32(truncatingIfNeeded: $0 &* 2_654_435_761) }
    for isa in KernelISA.available {
      let f = try #require(dl_binary_kernel(BinaryOp.pow.rawValue, 6, isa.rawValue))
      for q in [Int32(2), 3, 4] {
        var got = [Int32](repeating: 9, count: x.count)
        f(x, [q], &got, x.count, 1, 0)
        #expect(got == x.map { p in (1..<Int(q)).reduce(p) { r, _ in r &* p } }, "\(isa) \(q)")
      }
    }
  }

  @Test func floatsKeepNaNAndSigns() throws {
    for isa in KernelISA.available {
      func two(_ op: BinaryOp, _ a: Float, _ b: Float) throws -> Float {
        let f = try #require(dl_binary_kernel(op.rawValue, 1, isa.rawValue))
        var y: Float = 0
        f([a], [b], &y, 1, 1, 1)
        return y
      }
      #expect(try two(.min, .nan, 1).isNaN && two(.min, 1, .nan).isNaN)
      #expect(try two(.max, .nan, 1).isNaN && two(.max, 1, .nan).isNaN)
      #expect(try two(.mod, -7.5, 2) == 0.5 && two(.mod, 7.5, -2) == -0.5)
      #expect(try two(.mod, 1, -.infinity) == -.infinity && two(.mod, 1, .infinity) == 1)
      #expect(try two(.mod, 4, -2).sign == .minus && two(.mod, 1, 0).isNaN)
      #expect(try two(.fmod, -7.5, 2) == -1.5)
      #expect(try two(.pow, -2, 3) == -8 && two(.pow, 0, 0) == 1)
      func one(_ op: UnaryOp, _ a: Float) throws -> Float {
        let f = try #require(dl_unary_kernel(op.rawValue, 1, isa.rawValue))
        var y: Float = 0
        f([a], &y, 1, [0.5, 1])
        return y
      }
      for op: UnaryOp in [
        .relu, .leakyRelu, .elu, .selu, .celu, .sigmoid, .hardSigmoid,
        .hardSwish, .tanh, .softplus, .softsign, .gelu, .geluTanh, .mish,
        .swish, .exp, .log, .erf, .sign, .abs, .floor, .ceil, .round, .sqrt,
      ] {
        #expect(try one(op, .nan).isNaN, "\(op) of NaN, \(isa)")
      }
      // A comparison: x > alpha ? x : 0.
      #expect(try one(.thresholdedRelu, .nan) == 0)
      #expect(try one(.round, 2.5) == 2 && one(.round, 3.5) == 4 && one(.round, -0.5) == 0)
      #expect(try one(.round, -0.5).sign == .minus && one(.round, 8_388_609) == 8_388_609)
      #expect(try one(.softplus, -.infinity) == 0 && one(.softplus, .infinity) == .infinity)
    }
  }
}
