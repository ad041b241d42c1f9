import Glibc

/// Memory whose last byte lies right before a page that nobody may touch: a read or write past its
/// end ends the test run.
final class GuardedMemory {
  let start: UnsafeMutableRawPointer
  private let base: UnsafeMutableRawPointer
  private let length: Int

  init?(bytes: Int) {
    let page = sysconf(Int32(_SC_PAGESIZE))
    length = (bytes + page - 1) / page * page + page
    guard let m = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      m != MAP_FAILED, mprotect(m + length - page, page, PROT_NONE) == 0
    else { return nil }
    base = m
    start = m + length - page - bytes
  }

  deinit { munmap(base, length) }
}
