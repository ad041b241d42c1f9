import Glibc

/// The pages of programs and libraries that hold code and constants.
public enum CodePages {
  /// Gives back the memory of all code that is mapped from files and was never written to. What is
  /// needed again is read again from the system's cache, at about a microsecond for 16 pages.
  ///
  /// For a program whose start has touched much that it does not need any more, such as tables of
  /// all operators, before it takes much memory for something else. Nothing happens where the
  /// system does not tell what is mapped.
  public static func release() {
    guard let file = fopen("/proc/self/maps", "r") else { return }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(line) }
    while getline(&line, &room, file) > 0, let text = line {
      // As "5581a000-5581f000 r-xp 00000000 fe:00 1234   /usr/bin/dlrun".
      var rest: UnsafeMutablePointer<CChar>?
      let first = strtoul(text, &rest, 16)
      guard let dash = rest, dash.pointee == CChar(UInt8(ascii: "-")) else { continue }
      let end = strtoul(dash + 1, &rest, 16)
      guard let rights = rest, strncmp(rights, " r-xp ", 6) == 0, strchr(rights, 0x2F) != nil,
        end > first, let start = UnsafeMutableRawPointer(bitPattern: UInt(first))
      else { continue }
      madvise(start, Int(end - first), MADV_DONTNEED)
    }
  }
}
