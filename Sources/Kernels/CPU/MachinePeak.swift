import CKernels
import Glibc

/// What this machine does at most with the threads given, measured: what a kernel's speed is a
/// share of.
public struct MachinePeak: Sendable {
  /// Float32 operations a second, a multiplication and an addition being two.
  public let flopsPerSecond: Double
  /// Operations a second on 8-bit integers, summed up in 32 bits, counted alike.
  public let byteOperationsPerSecond: Double
  /// Bytes read and written a second by copying what no cache holds.
  public let bytesPerSecond: Double

  /// Measures for about a quarter of a second: the best of some trials.
  public init(_ pool: ThreadPool) {
    flopsPerSecond = Self.rate(pool, rounds: 400_000) { isa, rounds in
      var result: Float = 0
      return dl_peak_f32(isa, rounds, &result)
    }
    byteOperationsPerSecond = Self.rate(pool, rounds: 200_000) { isa, rounds in
      var result: Int32 = 0
      return dl_peak_u8s8(isa, rounds, &result)
    }
    bytesPerSecond = Self.bandwidth(pool)
  }

  /// Figures measured elsewhere.
  public init(
    flopsPerSecond: Double, byteOperationsPerSecond: Double = 0, bytesPerSecond: Double
  ) {
    self.flopsPerSecond = flopsPerSecond
    self.byteOperationsPerSecond = byteOperationsPerSecond
    self.bytesPerSecond = bytesPerSecond
  }

  /// What a kernel's operations a second are a share of: those of bytes for one whose name says
  /// that it works on them, as all do.
  public func operationsPerSecond(ofKernel name: String) -> Double {
    name.hasPrefix("byte") && byteOperationsPerSecond > 0 ? byteOperationsPerSecond : flopsPerSecond
  }

  /// Operations a second of a loop that does as many in each round.
  private static func rate(
    _ pool: ThreadPool, rounds: Int64, _ loop: (Int32, Int64) -> Int64
  ) -> Double {
    let isa = InstructionSet.current.rawValue
    let each = loop(isa, 1) * rounds
    var best = 0.0
    for _ in 0..<12 {
      let start = now()
      // As many pieces as threads: each takes one.
      pool.run(pool.threads) { _ in _ = loop(isa, rounds) }
      let seconds = now() - start
      best = max(best, Double(each) * Double(pool.threads) / seconds)
    }
    return best
  }

  private static func bandwidth(_ pool: ThreadPool) -> Double {
    // Beyond the last level of cache, within reason.
    let bytes = min(max(4 * CacheSizes.level3, 64 << 20), 256 << 20)
    guard let from = malloc(bytes), let to = malloc(bytes) else { return 0 }
    defer {
      free(from)
      free(to)
    }
    memset(from, 1, bytes)
    memset(to, 2, bytes)
    let part = bytes / pool.threads / 64 * 64
    nonisolated(unsafe) let (source, target) = (from, to)
    var best = 0.0
    for _ in 0..<4 {
      let start = now()
      pool.run(pool.threads) { i in
        dl_peak_copy(target + i * part, source + i * part, Int64(part))
      }
      best = max(best, 2 * Double(part * pool.threads) / (now() - start))
    }
    return best
  }

  private static func now() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) / 1e9
  }
}
