import Glibc

/// The pages of programs and libraries that hold code and constants.
public enum CodePages {
  /// Gives back the memory of all code and constants that are mapped from files and were never
  /// written to. What is needed again is read again from the system's cache, at about a microsecond
  /// for 16 pages.
  ///
  /// For a program whose start has touched much that it does not need any more, such as tables of
  /// all operators, before it takes much memory for something else. Nothing happens where the
  /// system does not tell what is mapped.
  public static func release() {
    guard let file = fopen("/proc/self/maps", "r") else { return }
    let pages = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
    defer {
      fclose(file)
      if pages >= 0 { close(pages) }
    }
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(line) }
    while getline(&line, &room, file) > 0, let text = line {
      // As "5581a000-5581f000 r-xp 00000000 fe:00 1234   /usr/bin/dlrun".
      var rest: UnsafeMutablePointer<CChar>?
      let first = strtoul(text, &rest, 16)
      guard let dash = rest, dash.pointee == CChar(UInt8(ascii: "-")) else { continue }
      let end = strtoul(dash + 1, &rest, 16)
      guard let rights = rest, strchr(rights, 0x2F) != nil, end > first else { continue }
      if strncmp(rights, " r-xp ", 6) == 0 {
        giveBack(first, Int(end - first))
      } else if strncmp(rights, " r--p ", 6) == 0, pages >= 0 {
        releaseUnwritten(first, end, pages)
      }
    }
  }

  private static func giveBack(_ first: UInt, _ count: Int) {
    guard let start = UnsafeMutableRawPointer(bitPattern: first) else { return }
    madvise(start, count, MADV_DONTNEED)
  }

  /// Constants with addresses were written to when the program was loaded, and are only then made
  /// unwritable: such pages are no longer the file's, and stay.
  private static func releaseUnwritten(_ first: UInt, _ end: UInt, _ pages: CInt) {
    let size = UInt(getpagesize())
    let batch = 512
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: batch) { entries in
      guard let base = entries.baseAddress else { return }
      var at = first
      while at < end {
        let count = min(batch, Int((end - at) / size))
        guard count > 0, pread(pages, base, count * 8, off_t(at / size * 8)) == count * 8 else {
          return
        }
        var k = 0
        while k < count {
          // Bit 63: in memory; bit 61: the file's own page (Linux, admin-guide/mm/pagemap.rst).
          func isFile(_ k: Int) -> Bool { entries[k] >> 63 == 1 && entries[k] >> 61 & 1 == 1 }
          var last = k
          while last < count, isFile(last) { last += 1 }
          if last > k { giveBack(at + UInt(k) * size, (last - k) * Int(size)) }
          k = last + 1
        }
        at += UInt(count) * size
      }
    }
  }
}
