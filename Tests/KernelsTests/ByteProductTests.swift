import Kernels
import Tensors
import Testing

/// Products of bytes against sums in Swift, by every instruction set of this machine.
@Suite struct ByteProductTests {
  static let sets = InstructionSet.allCases.filter { $0 <= .detected }

  private struct Case {
    let m: Int
    let n: Int
    let k: Int
    var aIsSigned = false
    var bIsSigned = true
    var hasZeros = false
    var isPacked = true
    var isTransposed = false
    var threads = 1
  }

  private static func bytes(_ count: Int, _ seed: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 7919 >> 3) }
  }
  private static func value(_ x: UInt8, _ isSigned: Bool) -> Int32 {
    isSigned ? Int32(Int8(bitPattern: x)) : Int32(x)
  }

  /// What the plan writes, `width` bytes an element, in guarded memory.
  private static func run(
    _ c: Case, _ isa: InstructionSet, _ values: ByteProductValues, width: Int
  ) throws -> [UInt8] {
    let a = try #require(GuardedMemory(bytes: c.m * c.k))
    let b = try #require(GuardedMemory(bytes: c.k * c.n))
    let y = try #require(GuardedMemory(bytes: c.m * c.n * width))
    a.start.copyMemory(from: bytes(c.m * c.k, 1), byteCount: c.m * c.k)
    b.start.copyMemory(from: bytes(c.k * c.n, 2), byteCount: c.k * c.n)
    let (along, across) = c.isTransposed ? (1, c.k) : (c.n, 1)
    let packed =
      c.isPacked
      ? try PackedBytes(
        n: c.n, k: c.k, isSigned: c.bIsSigned, from: b.start, along: along, across: across, isa: isa
      )
      : nil
    let plan = ByteProductPlan(
      m: c.m, n: c.n, k: c.k, aIsSigned: c.aIsSigned, bIsSigned: c.bIsSigned, packed: packed,
      along: along, across: across, hasZerosOfB: c.hasZeros, threads: c.threads, isa: isa)
    let scratch = try #require(GuardedMemory(bytes: (plan.scratchBytes + 63) & ~63))
    plan.run(
      a: a.start, b: b.start, values, y: y.start, scratch: scratch.start,
      pool: ThreadPool(threads: c.threads))
    return Array(UnsafeRawBufferPointer(start: y.start, count: c.m * c.n * width))
  }

  /// Sums of codes less their zero points.
  private static func sums(_ c: Case, _ aZero: Int32, _ bZeros: [UInt8]) -> [Int32] {
    let (a, b) = (bytes(c.m * c.k, 1), bytes(c.k * c.n, 2))
    var y = [Int32](repeating: 0, count: c.m * c.n)
    for i in 0..<c.m {
      for j in 0..<c.n {
        let zero = value(bZeros[j % bZeros.count], c.bIsSigned)
        for q in 0..<c.k {
          let w = value(b[c.isTransposed ? j * c.k + q : q * c.n + j], c.bIsSigned)
          y[i * c.n + j] += (value(a[i * c.k + q], c.aIsSigned) - aZero) * (w - zero)
        }
      }
    }
    return y
  }

  private static func int32s(_ bytes: [UInt8]) -> [Int32] {
    bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
  }

  @Test(arguments: sets) func sumsAreExact(_ isa: InstructionSet) throws {
    for m in [1, 2, 3, 5, 6, 7, 12, 13, 25] {
      for n in [1, 15, 16, 17, 31, 33, 48, 63, 64, 65, 130] {
        for k in [1, 2, 3, 4, 5, 8, 37, 64] {
          var c = Case(m: m, n: n, k: k)
          c.aIsSigned = (m + k) % 2 == 0
          c.bIsSigned = (n + k) % 3 != 0
          c.hasZeros = n % 2 == 1
          c.isPacked = k % 2 == 1
          c.isTransposed = m % 3 == 0
          var v = ByteProductValues()
          v.aZero = c.aIsSigned ? -3 : 117
          let zeros = c.hasZeros ? Self.bytes(n, 5) : [0]
          let found = try zeros.withUnsafeBytes {
            if c.hasZeros { (v.bZeros, v.bZeroStep) = ($0.baseAddress, 1) }
            return Self.int32s(try Self.run(c, isa, v, width: 4))
          }
          #expect(found == Self.sums(c, v.aZero, zeros), "\(c)")
        }
      }
    }
  }

  /// Weights of -128 and activations of 255 would saturate sums of pairs in 16 bits.
  @Test(arguments: sets) func nothingSaturates(_ isa: InstructionSet) throws {
    let (k, n) = (512, 70)
    let a = [UInt8](repeating: 255, count: k)
    let b = [UInt8](repeating: 0x80, count: k * n)
    let packed = try b.withUnsafeBytes {
      try PackedBytes(
        n: n, k: k, isSigned: true, from: try #require($0.baseAddress), along: n, across: 1,
        isa: isa)
    }
    let plan = ByteProductPlan(
      m: 1, n: n, k: k, aIsSigned: false, bIsSigned: true, packed: packed, isa: isa)
    let scratch = try #require(GuardedMemory(bytes: (plan.scratchBytes + 63) & ~63))
    var y = [Int32](repeating: 0, count: n)
    y.withUnsafeMutableBytes { to in
      if let base = to.baseAddress {
        plan.run(
          a: a, b: a, ByteProductValues(), y: base, scratch: scratch.start, pool: .single)
      }
    }
    #expect(y.allSatisfy { $0 == 255 * -128 * 512 })
  }

  /// Every step from the sum to the result, in the order that is promised.
  @Test(arguments: sets) func epilogue(_ isa: InstructionSet) throws {
    for (m, n, k) in [(1, 1, 7), (7, 70, 33), (13, 48, 20), (6, 64, 64), (3, 131, 5)] {
      let c = Case(m: m, n: n, k: k)
      let scales = (0..<n).map { Float($0 % 7 + 1) * 0.003 }
      let bias = (0..<n).map { Float($0 % 5) * 0.31 - 0.5 }
      let residual = (0..<m * n).map { Float($0 % 11) * 0.17 - 0.8 }
      let codes = Self.bytes(m * n, 9)
      let sums = Self.sums(c, 117, [0])
      for kind in 0..<4 {
        var v = ByteProductValues()
        v.aZero = 117
        v.factor = 0.07
        v.scaleStep = 1
        let rounding = ByteScale(scale: 0.043, zero: 101)
        let at = ByteScale(scale: 0.021, zero: kind == 3 ? -7 : 88)
        if kind > 0 { v.rounding = (rounding, false) }
        if kind > 0 { v.divisor = rounding.scale }
        v.output =
          kind < 2 ? .floats : .codes(at, isSigned: kind == 3, isSettled: false)
        let found = try scales.withUnsafeBufferPointer { s in
          try bias.withUnsafeBufferPointer { b in
            try residual.withUnsafeBytes { r in
              try codes.withUnsafeBytes { q in
                (v.scales, v.bias) = (s.baseAddress, b.baseAddress)
                if kind == 1, let p = r.baseAddress { v.residual = .floats(p) }
                if kind == 2, let p = q.baseAddress {
                  v.residual = .codes(p, ByteScale(scale: 0.01, zero: 30), isSigned: false)
                }
                return try Self.run(c, isa, v, width: kind < 2 ? 4 : 1)
              }
            }
          }
        }
        let floats = kind < 2 ? found.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } : []
        for i in 0..<m * n {
          let j = i % n
          var x = Float(sums[i]) * (0.07 * scales[j] / v.divisor)
          if kind > 0 {
            let clamped: Float = x > -101 ? (x < 154 ? x : 154) : -101
            x = clamped.rounded(.toNearestOrEven) * rounding.scale
          }
          x += bias[j]
          if kind == 1 { x += residual[i] }
          if kind == 2 {
            let r = Float(Int32(codes[i]) - 30) * 0.01
            x += r
          }
          if kind < 2 {
            #expect(floats[i] == x)
          } else {
            let low: Float = kind == 3 ? -128 : 0
            let q = (x * (1 / at.scale)).rounded(.toNearestOrEven) + Float(at.zero)
            let code = Int32(min(max(q, low), low + 255))
            #expect(Self.value(found[i], kind == 3) == code)
          }
        }
      }
    }
  }

  @Test func threadsDoNotChangeBits() throws {
    var c = Case(m: 70, n: 300, k: 200)
    c.hasZeros = true
    c.aIsSigned = true
    let zeros = Self.bytes(300, 5)
    try zeros.withUnsafeBytes {
      var v = ByteProductValues()
      (v.bZeros, v.bZeroStep, v.aZero) = ($0.baseAddress, 1, 9)
      let one = try Self.run(c, .current, v, width: 4)
      c.threads = 3
      #expect(try Self.run(c, .current, v, width: 4) == one)
    }
  }

  /// A quotient is rounded as a division rounds it, at ties as well.
  @Test func codesOfNumbers() throws {
    for scale: Float in [0.1, 0.037, 1, 3, 1e-38, 1e38] {
      var x: [Float] = (-600...600).flatMap { i in
        let tie = (Float(i) + 0.5) * scale
        return [tie, tie.nextUp, tie.nextDown, Float(i) * scale, Float(i) * 0.37 * scale]
      }
      x += [.nan, .infinity, -.infinity, 0, -0.0]
      let kernel = try #require(
        QuantizeKernel(
          from: .float32, scale: .float32, to: .int8, precision: .single, saturates: true,
          rows: QuantRows(tensor: x.count)))
      let scratch = try #require(GuardedMemory(bytes: max(64, kernel.scratchBytes)))
      var y = [Int8](repeating: 0, count: x.count)
      let zero = -3 as Int8
      withUnsafeBytes(of: scale) { s in
        withUnsafeBytes(of: zero) { z in
          y.withUnsafeMutableBytes { to in
            if let s = s.baseAddress, let base = to.baseAddress {
              kernel.run(
                x, scale: s, zero: z.baseAddress, base, scratch: scratch.start, pool: .single)
            }
          }
        }
      }
      for i in x.indices {
        let q = (x[i] / scale).rounded(.toNearestOrEven) - 3
        #expect(y[i] == (q > -128 ? Int8(min(q, 127)) : -128), "\(x[i]) / \(scale)")
      }
    }
  }
}
