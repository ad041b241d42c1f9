import Glibc

/// Pages of a private mapping of a file.
enum MappedPages {
  /// Lets the system drop the whole pages within `part`; they are read again on access.
  static func drop(_ part: UnsafeRawBufferPointer) {
    guard let base = part.baseAddress else { return }
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let first = (UInt(bitPattern: base) + page - 1) / page * page
    let end = (UInt(bitPattern: base) + UInt(part.count)) / page * page
    guard end > first, let start = UnsafeMutableRawPointer(bitPattern: first) else { return }
    madvise(start, Int(end - first), MADV_DONTNEED)
  }
}
