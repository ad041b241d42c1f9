import Foundation
import Testing

/// What the sources must not contain.
@Suite struct ForbiddenTests {
  @Test(arguments: ["try!", " as! ", "fatalError("])
  func noTraps(word: String) {
    for file in Repository.swift where file.path.hasPrefix("Sources/") {
      for line in Code.lines(of: word, in: Code.bare(file.text)) {
        Issue.record(
          "\(file):\(line): \(word.trimmed): throw an EngineError, or a precondition for our own faults"
        )
      }
    }
  }

  /// A path that exists on one machine only. Tests and this file may name them.
  @Test func noMachinePaths() {
    let folders = ["home", "root", "tmp", "work", "Users"]
    for file in Repository.files where !file.path.hasPrefix("Tests/") {
      for (number, line) in file.text.split(
        separator: "\n", omittingEmptySubsequences: false
      ).enumerated() {
        for folder in folders where holdsPath(line, "/\(folder)/") {
          Issue.record("\(file):\(number + 1): a path of one machine: \(line.trimmed)")
        }
      }
    }
  }

  @Test func pathsAreFound() {
    #expect(holdsPath("see /tmp/x", "/tmp/"))
    #expect(holdsPath("\"/tmp/x\"", "/tmp/"))
    #expect(!holdsPath("a/tmp/x", "/tmp/"))
    #expect(!holdsPath("https://example.org/work/x", "/work/"))
  }

  /// Whether an absolute path begins with `folder` somewhere in the line.
  private func holdsPath(_ line: some StringProtocol, _ folder: String) -> Bool {
    var rest = String(line)[...]
    while let found = rest.range(of: folder) {
      let before = rest[..<found.lowerBound].last
      if before.map({ !$0.isLetter && !$0.isNumber && !"-_.})".contains($0) }) ?? true {
        return true
      }
      rest = rest[found.upperBound...]
    }
    return false
  }

  @Test func scriptsStopAtErrors() {
    for file in Repository.files where file.text.hasPrefix("#!/usr/bin/env bash") {
      #expect(
        file.text.contains("\nset -euo pipefail\n"), "\(file) lacks the line `set -euo pipefail`")
    }
  }
}
