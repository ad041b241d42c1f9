import Testing

/// The lower of the two middle values where their number is even; 0 for none.
func median(_ values: [Int]) -> Int {
  values.isEmpty ? 0 : values.sorted()[(values.count - 1) / 2]
}

@Suite struct SizeTests {
  static let longest = 400
  static let fullest = 39

  @Test func filesAreShort() {
    let kinds: Set<String> = ["swift", "c", "h", "inc", "py", ""]
    for file in Repository.files where kinds.contains(file.kind) && !file.isGenerated {
      let head = file.text.split(separator: "\n").prefix(12)
      let saysWhy = head.contains { line in
        ["//", "#", "*", "\""].contains { line.trimmed.hasPrefix($0) }
          && line.contains("Over \(Self.longest) lines")
      }
      #expect(
        file.lineCount <= Self.longest || saysWhy,
        """
        \(file) has \(file.lineCount) lines, expected at most \(Self.longest); split it, or give \
        the reason in its head comment: "Over \(Self.longest) lines because ..."
        """)
    }
  }

  @Test func foldersAreSmall() {
    var counts: [String: Int] = [:]
    for file in Repository.files { counts[file.folder, default: 0] += 1 }
    for (folder, count) in counts where count > Self.fullest {
      Issue.record(
        "\(folder) holds \(count) files, expected at most \(Self.fullest); group them in folders")
    }
  }

  @Test func sizesAreReported() {
    for (name, files) in [("Swift", Repository.swift), ("C", Repository.c)] {
      let sizes = files.filter { !$0.isGenerated && $0.path.hasPrefix("Sources/") }.map(\.lineCount)
      print("Sources: \(sizes.count) \(name) files, median \(median(sizes)) lines")
    }
    #expect(Repository.swift.count > 50, "found hardly any source below \(Repository.root.path)")
  }
}

extension StringProtocol {
  /// Without the spaces around it.
  var trimmed: SubSequence {
    let head = drop { $0 == " " }
    guard let last = head.lastIndex(where: { $0 != " " }) else { return head }
    return head[...last]
  }
}
