import Glibc
import Kernels

/// A complex number as it lies in tensors: the real part first.
struct ComplexPair<T: Real>: BitwiseCopyable {
  var re: T
  var im: T

  @inline(__always) static func + (a: Self, b: Self) -> Self {
    Self(re: a.re + b.re, im: a.im + b.im)
  }
  @inline(__always) static func - (a: Self, b: Self) -> Self {
    Self(re: a.re - b.re, im: a.im - b.im)
  }
  @inline(__always) static func * (a: Self, b: Self) -> Self {
    Self(re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re)
  }
  @inline(__always) static func * (a: Self, b: T) -> Self { Self(re: a.re * b, im: a.im * b) }
  /// Times i.
  @inline(__always) var turned: Self { Self(re: -im, im: re) }
  @inline(__always) var conjugate: Self { Self(re: re, im: -im) }
}

/// The discrete Fourier transform of `count` complex numbers in the precision of `T`.
///
/// Sizes without large prime factors go by mixed radices (4, 2, 3, 5, then odd primes by the
/// definition), each pass reading one buffer and writing the other in order; sizes with a prime
/// factor above 31 by Bluestein's convolution of a smooth size: O(n log n) for every size. Roots
/// are computed in float64 within an eighth of the circle and rounded once, so the error grows with
/// `log n` alone.
///
/// Source: Cooley and Tukey 1965; Stockham 1966; Bluestein 1970.
final class FourierPlan<T: Real>: @unchecked Sendable {
  typealias Pair = ComplexPair<T>

  let count: Int
  private let factors: Table
  /// For each pass `exp(-2 pi i j r / (radix * rest))`, j from 1, r below rest.
  private let twiddles: UnsafeMutablePointer<Pair>
  /// For each pass by the definition the roots of its prime.
  private let roots: UnsafeMutablePointer<Pair>
  /// Bluestein: the transform of a smooth size, `exp(-pi i k^2 / count)` and the transform of its
  /// conjugate.
  private let smooth: FourierPlan<T>?
  private let chirp: UnsafeMutablePointer<Pair>
  private let filter: UnsafeMutablePointer<Pair>

  /// Pairs of scratch that `run` needs.
  var scratchCount: Int { smooth.map { $0.count + $0.scratchCount } ?? count }

  /// `count` is positive, and small enough for tensors of its size.
  init(_ count: Int) {
    self.count = count
    let factors = FourierPlan.factors(count)
    let isMixed = factors.allSatisfy { $0 <= 31 }
    self.factors = Table(isMixed ? factors : [])
    var twiddles: [Pair] = []
    var roots: [Pair] = []
    if isMixed {
      var before = 1
      for p in factors {
        let rest = count / (before * p)
        for j in 1..<p {
          for r in 0..<rest { twiddles.append(FourierPlan.root(j * r * before, count)) }
        }
        if p > 5 { for j in 0..<p { roots.append(FourierPlan.root(j, p)) } }
        before *= p
      }
    }
    self.twiddles = FourierPlan.memory(twiddles)
    self.roots = FourierPlan.memory(roots)
    guard !isMixed else {
      smooth = nil
      chirp = FourierPlan.memory([])
      filter = FourierPlan.memory([])
      return
    }
    let smooth = FourierPlan(FourierPlan.smoothSize(2 * count - 1))
    let size = smooth.count
    self.smooth = smooth
    var filter = [Pair](repeating: Pair(re: 0, im: 0), count: size)
    var chirp: [Pair] = []
    for k in 0..<count {
      // k * k modulo 2 * count keeps the angle small, hence exact.
      let square = k.multipliedFullWidth(by: k)
      let rest = (2 * count).dividingFullWidth(square).remainder
      let root = FourierPlan.root(rest, 2 * count)
      chirp.append(root)
      filter[k] = root.conjugate
      filter[(size - k) % size] = root.conjugate
    }
    self.chirp = FourierPlan.memory(chirp)
    self.filter = FourierPlan.memory(filter)
    let scratch = UnsafeMutablePointer<Pair>.allocate(capacity: smooth.scratchCount)
    smooth.run(self.filter, scratch: scratch)
    scratch.deallocate()
  }

  deinit {
    for memory in [twiddles, roots, chirp, filter] { memory.deallocate() }
  }

  private static func memory(_ values: [Pair]) -> UnsafeMutablePointer<Pair> {
    let memory = UnsafeMutablePointer<Pair>.allocate(capacity: max(1, values.count))
    memory.initialize(from: values, count: values.count)
    return memory
  }

  /// The least size from `count` on that is a power of two, or that times 3, 5, 9 or 15.
  private static func smoothSize(_ count: Int) -> Int {
    [1, 3, 5, 9, 15].map { (odd: Int) -> Int in
      var size = odd
      while size < count { size *= 2 }
      return size
    }.min() ?? count
  }

  /// Fours, then a two in front, then odd primes rising.
  private static func factors(_ count: Int) -> [Int] {
    var list: [Int] = []
    var left = count
    while left % 4 == 0 {
      list.append(4)
      left /= 4
    }
    if left % 2 == 0 {
      list.insert(2, at: 0)
      left /= 2
    }
    var p = 3
    while p * p <= left {
      while left % p == 0 {
        list.append(p)
        left /= p
      }
      p += 2
    }
    if left > 1 { list.append(left) }
    return list
  }

  /// `exp(-2 pi i k / n)` for k up to n, by an angle of at most an eighth of the circle.
  private static func root(_ k: Int, _ n: Int) -> Pair {
    var x = 8 * k
    let isLower = x > 4 * n
    if isLower { x = 8 * n - x }
    let isLeft = x > 2 * n
    if isLeft { x = 4 * n - x }
    let isSteep = x > n
    if isSteep { x = 2 * n - x }
    let angle = Double(x) * (0.25 * Double.pi / Double(n))
    let (c, s) = isSteep ? (sin(angle), cos(angle)) : (cos(angle), sin(angle))
    return Pair(re: T(isLeft ? -c : c), im: T(isLower ? s : -s))
  }

  /// Transforms the pairs at `x` in place.
  func run(_ x: UnsafeMutablePointer<Pair>, scratch: UnsafeMutablePointer<Pair>) {
    guard let smooth else { return mixed(x, scratch) }
    let (size, own) = (smooth.count, scratch + smooth.count)
    for k in 0..<count { scratch[k] = x[k] * chirp[k] }
    for k in count..<size { scratch[k] = Pair(re: 0, im: 0) }
    smooth.run(scratch, scratch: own)
    // The inverse transform is the forward one of the conjugate, conjugated.
    for k in 0..<size { scratch[k] = (scratch[k] * filter[k]).conjugate }
    smooth.run(scratch, scratch: own)
    let scale = 1 / T(size)
    for k in 0..<count { x[k] = scratch[k].conjugate * chirp[k] * scale }
  }

  /// Makes the transform of a real signal hermitian to the last bit. `imaginary` says which half of
  /// each number at `x` holds its imaginary part, 0 or 1.
  func makeHermitian(_ x: UnsafeMutablePointer<T>, imaginary im: Int) {
    let re = 1 - im
    x[im] = 0
    if count % 2 == 0 { x[count + im] = 0 }
    for k in 1..<max(1, (count + 1) / 2) {
      let (a, b) = (2 * k, 2 * (count - k))
      let (real, imaginary) = ((x[a + re] + x[b + re]) / 2, (x[a + im] - x[b + im]) / 2)
      (x[a + re], x[b + re]) = (real, real)
      (x[a + im], x[b + im]) = (imaginary, -imaginary)
    }
  }

  private func mixed(_ x: UnsafeMutablePointer<Pair>, _ scratch: UnsafeMutablePointer<Pair>) {
    var (from, to) = (x, scratch)
    var w = UnsafePointer(twiddles)
    var primeRoots = UnsafePointer(roots)
    var before = 1
    for i in 0..<factors.count {
      let p = factors[i]
      let rest = count / (before * p)
      let pass = FourierPass(from: from, to: to, before: before, rest: rest, twiddles: w)
      switch p {
      case 2: pass.two()
      case 3: pass.three()
      case 4: pass.four()
      case 5: pass.five()
      default:
        pass.prime(p, primeRoots)
        primeRoots += p
      }
      w += (p - 1) * rest
      before *= p
      swap(&from, &to)
    }
    if from != x { x.update(from: from, count: count) }
  }
}
