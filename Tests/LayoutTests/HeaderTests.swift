import Testing

/// Headers of the C kernels say all that they need.
@Suite struct HeaderTests {
  @Test func headersStandAlone() throws {
    for file in Repository.c where file.path.hasPrefix("Sources/CKernels/include/") {
      let result = try #require(
        try Repository.run("clang", ["-fsyntax-only", "-Wall", "-Werror", "-x", "c", file.path]),
        "clang, which comes with Swift, is not on PATH")
      #expect(result.status == 0, "\(file) cannot be included on its own:\n\(result.output)")
    }
  }
}
