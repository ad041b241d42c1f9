import Glibc

/// Nanoseconds.
enum Clock {
  static func wall() -> Int { read(CLOCK_MONOTONIC) }
  /// Of all threads of this process.
  static func processor() -> Int { read(CLOCK_PROCESS_CPUTIME_ID) }

  private static func read(_ clock: clockid_t) -> Int {
    var t = timespec()
    clock_gettime(clock, &t)
    return t.tv_sec * 1_000_000_000 + t.tv_nsec
  }
}
