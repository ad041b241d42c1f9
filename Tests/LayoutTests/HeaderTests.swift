import Testing

/// Headers of the C kernels say all that they need.
@Suite struct HeaderTests {
  private static let folder = "Sources/CKernels/include/"

  @Test func umbrellaNamesEveryHeader() {
    let umbrella = Repository.file(Self.folder + "CKernels.h")?.text ?? ""
    for file in Repository.c where file.folder + "/" == Self.folder && file.stem != "CKernels" {
      #expect(umbrella.contains("#include \"\(file.name)\""), "CKernels.h lacks \(file.name)")
    }
  }

  @Test func headersStandAlone() throws {
    for file in Repository.c where file.path.hasPrefix(Self.folder) {
      let result = try #require(
        try Repository.run(
          "clang",
          ["-fsyntax-only", "-Wall", "-Wno-unused-function", "-Werror", "-x", "c", file.path]),
        "clang, which comes with Swift, is not on PATH")
      #expect(result.status == 0, "\(file) cannot be included on its own:\n\(result.output)")
    }
  }
}
