import Testing

/// The manual's code is what the tests compile: each block of Swift in a catalogue of documentation, and
/// in the README, stands in a test's source as it is.
@Suite struct ManualTests {
  @Test func codeIsCompiled() {
    let sources = Repository.swift.filter { $0.path.hasPrefix("Tests/") }.map { lines($0.text) }
    var count = 0
    for file in Repository.files
    where file.kind == "md" && (file.path.contains(".docc/") || file.path == "README.md") {
      for (line, block) in swiftBlocks(file.text) {
        count += 1
        #expect(
          sources.contains { holds($0, block) },
          "\(file):\(line): no source below Tests holds this code as it stands; compile it there")
      }
    }
    #expect(count >= 15, "found hardly any code in the manual")
  }

  /// Links between pages lead somewhere.
  @Test func linksLeadToPages() {
    let pages = Repository.files.filter { $0.path.contains(".docc/") && $0.kind == "md" }
    let names = Set(pages.map(\.stem))
    for page in pages {
      for part in page.text.split(separator: "<doc:").dropFirst() {
        let name = String(part.prefix { $0 != ">" })
        #expect(names.contains(name), "\(page) links to a page \(name), which does not exist")
      }
    }
  }

  @Test func blocksAreFound() {
    let text = "a\n```swift\nlet a = 1\n\n  b()\n```\n```\nno\n```\n"
    let blocks = swiftBlocks(text)
    #expect(blocks.map(\.line) == [3])
    #expect(blocks.map(\.lines) == [["let a = 1", "", "  b()"]])
    let source = lines("func f() {\n    let a = 1\n\n      b()\n}\n")
    #expect(holds(source, blocks[0].lines))
    #expect(!holds(source, ["let a = 1", "", "b()"]))
    #expect(!holds(source, ["let a = 1", "c()"]))
    #expect(!holds(source, ["let a"]))
  }

  private func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Each fenced block of Swift and the number of its first line.
  private func swiftBlocks(_ text: String) -> [(line: Int, lines: [Substring])] {
    var blocks: [(line: Int, lines: [Substring])] = []
    var isInside = false
    for (i, line) in lines(text).enumerated() {
      if line == "```swift" {
        blocks.append((i + 2, []))
        isInside = true
      } else if line.hasPrefix("```") {
        isInside = false
      } else if isInside {
        blocks[blocks.count - 1].lines.append(line)
      }
    }
    return blocks
  }

  /// Whether the block's lines follow each other in the source, all indented alike.
  private func holds(_ source: [Substring], _ block: [Substring]) -> Bool {
    guard let first = block.first, source.count >= block.count else { return false }
    for start in 0...(source.count - block.count) where source[start].hasSuffix(first) {
      let indent = source[start].prefix { $0 == " " }.dropLast(first.prefix { $0 == " " }.count)
      let isHere = block.indices.allSatisfy { i in
        block[i].isEmpty ? source[start + i].isEmpty : source[start + i] == indent + block[i]
      }
      if isHere { return true }
    }
    return false
  }
}
