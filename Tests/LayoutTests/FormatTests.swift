import Testing

/// The formatters have nothing to say.
@Suite struct FormatTests {
  @Test func swiftIsFormatted() throws {
    let paths = ["Sources", "Tests", "Package.swift"]
    let result = try #require(
      try Repository.run("swift", ["format", "lint", "--strict", "--recursive"] + paths),
      "swift is not on PATH")
    #expect(
      result.status == 0,
      """
      \(result.output)
      tools/format repairs most of it
      """)
  }

  @Test func cIsFormatted() throws {
    let paths = Repository.c.filter { !$0.isGenerated }.map(\.path)
    guard !paths.isEmpty else { return }
    let result = try #require(
      try Repository.run("clang-format", ["--dry-run", "-Werror"] + paths),
      "clang-format is not installed; tools/setup test installs it")
    #expect(
      result.status == 0,
      """
      \(result.output.split(separator: "\n").filter { $0.contains("error:") }.joined(separator: "\n"))
      tools/format repairs it
      """)
  }
}
