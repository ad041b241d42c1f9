import Glibc
import Operators
import Tensors

/// The state of random numbers: a seed, and how many draws were made. Draw `i` of a call depends on
/// the seed, the number of the call and `i` alone, so results do not depend on threads.
public struct RandomState: Hashable, Sendable {
  public var seed: UInt64
  /// Calls so far.
  public var calls: UInt64

  public init(seed: UInt64, calls: UInt64 = 0) {
    self.seed = seed
    self.calls = calls
  }
}

/// Sets the seed of the calling thread's random numbers.
public func setSeed(_ seed: UInt64) { TapeContext.current.random = RandomState(seed: seed) }

/// The state of the calling thread's random numbers, to be kept with a checkpoint and set again.
public var randomState: RandomState {
  get { TapeContext.current.random }
  set { TapeContext.current.random = newValue }
}

/// Runs `body` with random numbers of its own, from `seed`; those outside go on as if it had not
/// been.
public func withSeed<R>(_ seed: UInt64, _ body: () throws -> R) rethrows -> R {
  let context = TapeContext.current
  let before = context.random
  context.random = RandomState(seed: seed)
  defer { context.random = before }
  return try body()
}

/// The words of one call: Philox4x32-10 (Salmon et al. 2011), keyed by the seed, with the call in
/// the upper half of the counter.
struct RandomStream {
  let key: UInt64
  let call: UInt64

  /// The next call of the calling thread's state.
  static func next() -> RandomStream {
    let context = TapeContext.current
    defer { context.random.calls &+= 1 }
    return RandomStream(key: context.random.seed, call: context.random.calls)
  }

  func words(_ i: Int) -> (UInt32, UInt32, UInt32, UInt32) {
    var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    var (a, b) = (UInt32(truncatingIfNeeded: i), UInt32(truncatingIfNeeded: i >> 32))
    var (c, d) = (UInt32(truncatingIfNeeded: call), UInt32(truncatingIfNeeded: call >> 32))
    for _ in 0..<10 {
      let p = UInt64(a) &* 0xD251_1F53
      let q = UInt64(c) &* 0xCD9E_8D57
      let (ph, qh) = (UInt32(truncatingIfNeeded: p >> 32), UInt32(truncatingIfNeeded: q >> 32))
      (a, b, c, d) = (
        qh ^ b ^ k0, UInt32(truncatingIfNeeded: q), ph ^ d ^ k1, UInt32(truncatingIfNeeded: p)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (a, b, c, d)
  }

  /// Draw `i`, uniform in [0, 1), 53 bits.
  func uniform(_ i: Int) -> Double {
    let (a, b, _, _) = words(i)
    return Double(UInt64(a) << 21 ^ UInt64(b) >> 11) * 0x1p-53
  }

  /// Draw `i` of the standard normal distribution (Box and Muller).
  func normal(_ i: Int) -> Double {
    let (a, b, c, d) = words(i)
    let u = Double(UInt64(a) << 21 ^ UInt64(b) >> 11) * 0x1p-53
    let v = Double(UInt64(c) << 21 ^ UInt64(d) >> 11) * 0x1p-53
    return (-2 * Glibc.log(1 - u)).squareRoot() * Glibc.cos(2 * Double.pi * v)
  }
}

extension Tensor {
  /// Numbers uniform in `low..<high`.
  ///
  /// Errors: `.shape` for a negative size, `.dtype` for other than float32 and float64.
  public static func uniform(
    _ sizes: [Int], from low: Double = 0, to high: Double = 1, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let stream = RandomStream.next()
    return try drawn(sizes, dtype) { low + (high - low) * stream.uniform($0) }
  }

  /// Normally distributed numbers.
  public static func normal(
    _ sizes: [Int], mean: Double = 0, deviation: Double = 1, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let stream = RandomStream.next()
    return try drawn(sizes, dtype) { mean + deviation * stream.normal($0) }
  }

  /// Normally distributed numbers within `bound` deviations of the mean; others are drawn again.
  public static func truncatedNormal(
    _ sizes: [Int], mean: Double = 0, deviation: Double = 1, bound: Double = 2,
    dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let stream = RandomStream.next()
    return try drawn(sizes, dtype) { i in
      // One in twenty is drawn again, so 64 draws in vain are beyond what can happen.
      for again in 0..<64 {
        let x = stream.normal(i + again << 40)
        if abs(x) <= bound { return mean + deviation * x }
      }
      return mean
    }
  }

  /// Whole numbers in `low..<high`, int64, each as likely.
  ///
  /// Errors: `.value` for an empty range.
  public static func randomIntegers(
    _ sizes: [Int], from low: Int, to high: Int
  ) throws(EngineError) -> Tensor {
    guard low < high else {
      throw EngineError(
        .value, "no whole number to draw", expected: "low below high",
        received: "\(low)..<\(high)")
    }
    let stream = RandomStream.next()
    let shape = try Shape(checking: sizes)
    let span = UInt64(bitPattern: Int64(high &- low))
    return try Tensor(
      shape: shape,
      (0..<shape.count).map { i in
        let (a, b, _, _) = stream.words(i)
        let word = UInt64(a) << 32 | UInt64(b)
        return Int64(low) &+ Int64(bitPattern: word.multipliedFullWidth(by: span).high)
      })
  }

  /// True with probability `p`: bool.
  public static func bernoulli(_ sizes: [Int], _ p: Double) throws(EngineError) -> Tensor {
    let stream = RandomStream.next()
    let shape = try Shape(checking: sizes)
    return try Tensor(shape: shape, (0..<shape.count).map { stream.uniform($0) < p })
  }

  /// The whole numbers below `n` in random order, int64.
  public static func permutation(_ n: Int) throws(EngineError) -> Tensor {
    try Tensor(randomPermutation(n).map { Int64($0) })
  }

  /// Some elements zeroed with probability `rate`, the others scaled by `1 / (1 - rate)`, in
  /// training; the tensor itself otherwise.
  ///
  /// Errors: `.value` for a rate outside 0..<1.
  public func dropout(
    _ rate: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    guard rate >= 0, rate < 1 else { return try dropoutMask(rate, file: file, line: line) }
    guard isTraining, rate > 0 else { return self }
    return try apply(Mul(), self, dropoutMask(rate, file: file, line: line), file, line)
  }

  private static func drawn(
    _ sizes: [Int], _ dtype: DType, _ draw: (Int) -> Double
  ) throws(EngineError) -> Tensor {
    let shape = try Shape(checking: sizes)
    switch dtype {
    case .float64: return try Tensor(shape: shape, (0..<shape.count).map(draw))
    case .float32: return try Tensor(shape: shape, (0..<shape.count).map { Float(draw($0)) })
    default:
      throw EngineError(
        .dtype, "random numbers of this element type", expected: "float32 or float64",
        received: "\(dtype)", hint: "draw float32 and cast")
    }
  }
}

/// Whether modules behave as in training.
public var isTraining: Bool { TapeContext.current.isTraining }

/// Runs `body` with modules behaving as in training: dropout drops, batch norm uses the batch.
public func inTraining<R>(_ value: Bool = true, _ body: () throws -> R) rethrows -> R {
  let context = TapeContext.current
  let before = context.isTraining
  context.isTraining = value
  defer { context.isTraining = before }
  return try body()
}
