import TestSupport
import Tensors
import Testing

@testable import Operators

@Suite struct TextPatternTests {
  /// A pattern and, for some strings, whether RE2 matches them as a whole; none for an illegal one.
  struct Case: Sendable, CustomStringConvertible {
    let pattern: String
    let answers: [(text: String, isMatch: Bool)]?
    var description: String { pattern }

    /// tools/oracle/pattern_vectors.py states the format.
    init(_ line: String) throws {
      let words = line.split(separator: " ").map(String.init)
      pattern = try Self.text(words[0])
      answers =
        words.count == 2 && words[1] == "!"
        ? nil : try words.dropFirst().map { (try Self.text($0), $0.hasPrefix("+")) }
    }
    private static func text(_ word: String) throws -> String {
      let digits = Array(word.utf8.dropFirst())
      let bytes = try stride(from: 0, to: digits.count, by: 2).map {
        try #require(UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16))
      }
      return try #require(String(validating: bytes, as: UTF8.self))
    }
  }

  static let cases: [Case] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return ((try? lines(of: "/\(folder)/Vectors/patterns.txt")) ?? []).compactMap { try? Case($0) }
  }()

  @Test func casesAreThere() {
    #expect(Self.cases.count > 1400)
    #expect(Self.cases.count { $0.answers == nil } > 50)
  }

  /// Legal where RE2 calls it legal, and the same strings match. `\C` is the one thing left out.
  @Test func agreesWithRE2() {
    for c in Self.cases where c.pattern != "\\C" {
      do throws(EngineError) {
        let pattern = try TextPattern(c.pattern)
        guard let answers = c.answers else {
          Issue.record("accepts \(c.pattern)")
          continue
        }
        for (text, isMatch) in answers {
          #expect(
            pattern.matchesWhole(text) == isMatch, "\(c.pattern) on \(text.debugDescription)")
        }
      } catch let e {
        #expect(c.answers == nil, "\(c.pattern): \(e)")
        #expect(e.code == .attribute, "\(c.pattern): \(e)")
      }
    }
  }

  @Test func bytesAreRefused() {
    let e = #expect(throws: EngineError.self) { try TextPattern("a\\Cb") }
    #expect(e?.code == .unsupported)
  }

  @Test(arguments: [
    String(repeating: "(", count: 1000) + String(repeating: ")", count: 1000),
    "(" + String(repeating: "abcdefghij", count: 20) + "){1000}",
    String(repeating: "((){1000})", count: 1000),
  ])
  func limitsAreClear(_ pattern: String) {
    let e = #expect(throws: EngineError.self) { try TextPattern(pattern) }
    #expect(e?.code == .budget)
    #expect(e?.expected?.contains("at most") == true)
  }

  /// Work grows with the text alone, whatever backtracking would do.
  @Test(arguments: [
    "(a*)*b", "(a+)+b", "(a|aa)+b", "(a|a?)+b", "(.*)(.*)(.*)(.*)(.*)b", "(x+x+)+y",
    "a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaaaab", "((a{0,5}){0,5}){0,5}b",
  ])
  func hostilePatternsAreLinear(_ source: String) throws {
    let pattern = try TextPattern(source)
    func work(_ count: Int) -> Int {
      var visits = 0
      #expect(!pattern.matchesWhole(String(repeating: "a", count: count), &visits))
      return visits
    }
    #expect(work(2000) <= 5 * work(500))
    #expect(work(2000) < 2001 * 2000)
  }
}
