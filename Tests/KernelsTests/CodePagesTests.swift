import Glibc
import Kernels
import Testing

@Suite struct CodePagesTests {
  /// Bytes of files that are resident in this process.
  private func residentOfFiles() -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      if strncmp(line, "RssFile:", 8) == 0 {
        return line.withUnsafeBufferPointer { l in
          l.baseAddress.map { Int(strtol($0 + 8, nil, 10)) * 1024 } ?? 0
        }
      }
    }
    return 0
  }

  @Test func codeIsReadAgainWhereItIsNeeded() {
    let before = residentOfFiles()
    // Other tests may map files meanwhile.
    let isLess = (0..<50).contains { _ in
      CodePages.release()
      return residentOfFiles() < before
    }
    #expect(isLess || before == 0)
    // Whatever runs now was given back a moment ago.
    #expect((1...100).map { "\($0)" }.joined().count == 192)
  }
}
