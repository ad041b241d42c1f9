/// FarmHash's `Fingerprint64`, the hash of strings that TensorFlow's `to_hash_bucket_fast` takes.
///
/// - Source: google/farmhash, `farmhashna::Hash64`, and TensorFlow's `FingerprintCat64`; checked
///   against TensorFlow 2.21.
enum FarmHash {
  private static let k0: UInt64 = 0xC3A5_C85C_97CB_3127
  private static let k1: UInt64 = 0xB492_B66F_BE98_F273
  private static let k2: UInt64 = 0x9AE1_6A3B_2F90_404F

  /// Both halves of the state of 32 bytes.
  private typealias Pair = (first: UInt64, second: UInt64)

  static func fingerprint(_ text: String) -> UInt64 {
    var text = text
    return text.withUTF8 { fingerprint(UnsafeRawBufferPointer($0)) }
  }

  /// Two fingerprints as one.
  static func joined(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let m: UInt64 = 0xC6A4_A793_5BD1_E995
    var r = a ^ m
    r ^= mixed(b &* m) &* m
    r = r &* m
    r = mixed(r) &* m
    return mixed(r)
  }

  private static func mixed(_ x: UInt64) -> UInt64 { x ^ x >> 47 }
  private static func turned(_ x: UInt64, _ by: UInt64) -> UInt64 { x >> by | x << (64 - by) }

  private static func folded(_ u: UInt64, _ v: UInt64, _ m: UInt64) -> UInt64 {
    let a = mixed((u ^ v) &* m)
    return mixed((v ^ a) &* m) &* m
  }

  private static func fingerprint(_ s: UnsafeRawBufferPointer) -> UInt64 {
    let n = s.count
    if n <= 16 { return short(s) }
    func word(_ i: Int) -> UInt64 { s.loadUnaligned(fromByteOffset: i, as: UInt64.self) }
    let m = k2 &+ UInt64(n) &* 2
    if n <= 32 {
      let (a, b) = (word(0) &* k1, word(8))
      let (c, d) = (word(n - 8) &* m, word(n - 16) &* k2)
      return folded(
        turned(a &+ b, 43) &+ turned(c, 30) &+ d, a &+ turned(b &+ k2, 18) &+ c, m)
    }
    if n <= 64 {
      let (a, b) = (word(0) &* k2, word(8))
      let (c, d) = (word(n - 8) &* m, word(n - 16) &* k2)
      let y = turned(a &+ b, 43) &+ turned(c, 30) &+ d
      let z = folded(y, a &+ turned(b &+ k2, 18) &+ c, m)
      let (e, f) = (word(16) &* m, word(24))
      let (g, h) = ((y &+ word(n - 32)) &* m, (z &+ word(n - 24)) &* m)
      return folded(
        turned(e &+ f, 43) &+ turned(g, 30) &+ h, e &+ turned(f &+ a, 18) &+ g, m)
    }
    return long(s)
  }

  private static func short(_ s: UnsafeRawBufferPointer) -> UInt64 {
    let n = s.count
    let m = k2 &+ UInt64(n) &* 2
    if n >= 8 {
      let a = s.loadUnaligned(fromByteOffset: 0, as: UInt64.self) &+ k2
      let b = s.loadUnaligned(fromByteOffset: n - 8, as: UInt64.self)
      return folded(turned(b, 37) &* m &+ a, (turned(a, 25) &+ b) &* m, m)
    }
    if n >= 4 {
      let a = UInt64(s.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
      let b = UInt64(s.loadUnaligned(fromByteOffset: n - 4, as: UInt32.self))
      return folded(UInt64(n) &+ a << 3, b, m)
    }
    guard n > 0 else { return k2 }
    let y = UInt64(UInt32(s[0]) &+ UInt32(s[n >> 1]) << 8)
    let z = UInt64(UInt32(n) &+ UInt32(s[n - 1]) << 2)
    return mixed(y &* k2 ^ z &* k0) &* k2
  }

  private static func long(_ s: UnsafeRawBufferPointer) -> UInt64 {
    func word(_ i: Int) -> UInt64 { s.loadUnaligned(fromByteOffset: i, as: UInt64.self) }
    func weak(_ i: Int, _ x: UInt64, _ y: UInt64) -> Pair {
      var (a, b) = (x &+ word(i), y)
      b = turned(b &+ a &+ word(i + 24), 21)
      let c = a
      a = a &+ word(i + 8) &+ word(i + 16)
      b = b &+ turned(a, 44)
      return (a &+ word(i + 24), b &+ c)
    }
    var y: UInt64 = 81 &* k1 &+ 113
    var z = mixed(y &* k2 &+ 113) &* k2
    var x: UInt64 = 81 &* k2 &+ word(0)
    var (v, w): (Pair, Pair) = ((0, 0), (0, 0))
    let end = (s.count - 1) / 64 * 64
    func round(_ i: Int, _ m: UInt64, _ last: Bool) {
      let f: UInt64 = last ? 9 : 1
      x = turned(x &+ y &+ v.first &+ word(i + 8), 37) &* m
      y = turned(y &+ v.second &+ word(i + 48), 42) &* m
      x ^= w.second &* f
      y = y &+ v.first &* f &+ word(i + 40)
      z = turned(z &+ w.first, 33) &* m
      v = weak(i, v.second &* m, x &+ w.first)
      w = weak(i + 32, z &+ w.second, y &+ word(i + 16))
      swap(&z, &x)
    }
    for i in stride(from: 0, to: end, by: 64) { round(i, k1, false) }
    let m = k1 &+ (z & 0xFF) << 1
    w.first = w.first &+ UInt64((s.count - 1) & 63)
    v.first = v.first &+ w.first
    w.first = w.first &+ v.first
    round(s.count - 64, m, true)
    return folded(
      folded(v.first, w.first, m) &+ mixed(y) &* k0 &+ z,
      folded(v.second, w.second, m) &+ x, m)
  }
}
