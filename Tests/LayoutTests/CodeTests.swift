import Testing

/// The checkers of this target can see what they look for, and only that.
@Suite struct CodeTests {
  @Test func commentsAndStringsAreBlank() {
    let text = """
      let a = try! f() // try! here
      /* as! */ let b = "as! \\(g("fatalError(")) as!" + c
      /// fatalError(
      let d = "unfinished
      """
    let bare = Code.bare(text)
    #expect(Code.lines(of: "try!", in: bare) == [1])
    #expect(Code.lines(of: "as!", in: bare) == [])
    #expect(Code.lines(of: "fatalError(", in: bare) == [])
    #expect(bare.contains("+ c"))
    #expect(bare.split(separator: "\n", omittingEmptySubsequences: false).count == 4)
  }

  @Test func multilineStringsAreBlank() {
    let quotes = "\"\"\""
    let bare = Code.bare("let a = \(quotes)\n  try! \"x\" //\n  \(quotes)\nlet b = try! f()\n")
    #expect(Code.lines(of: "try!", in: bare) == [4])
  }

  @Test func importsAreFound() {
    let text = """
      @_exported import Graphs
      import struct Tensors.Shape
      @testable import Kernels // why
      // import Nothing
      public import Runtime
      let important = "import Nothing"
      """
    #expect(Code.imports(text) == ["Graphs", "Tensors", "Kernels", "Runtime"])
  }

  @Test func tableRowsAreRead() {
    let table = ModuleTable(
      """
      text with `Code` | and bars
      | module | holds | imports | why |
      |---|---|---|---|
      | `A`, `B` | things of `Z` | | |
      | `C` | x | `A`, `B` | y |

      | other | table |
      | `D` | `A` |
      """)
    #expect(table.modules == ["A", "B", "C"])
    #expect(table.imports == ["A": [], "B": [], "C": ["A", "B"]])
  }

  @Test func packageTargetsAreRead() {
    let targets = packageTargets(
      """
      products: [.library(name: "L", targets: ["A"])],
      .target(name: "A", linkerSettings: [.linkedLibrary("m")]),
      .executableTarget(
        name: "B",
        dependencies: [
          "A",
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
      .testTarget(name: "T", dependencies: ["A", "B"], path: "x"),
      """)
    #expect(targets["A"] == [])
    #expect(targets["B"] == ["A", "ArgumentParser"])
    #expect(targets["T"] == ["A", "B"])
  }

  @Test func listedTypesAreRead() {
    let listed = familyList(
      "enum F {\n static let operators: [any Operator.Type] = [\n  If.self,\n  // Old.self,\n  Loop.self]\n}"
    )
    #expect(listed == ["If", "Loop"])
  }

  @Test func medianIsTheMiddle() {
    #expect(median([5, 1, 3]) == 3)
    #expect(median([4, 1, 3, 2]) == 2)
    #expect(median([]) == 0)
  }
}
