import Graphs
import Tensors
import Testing

@testable import Operators

@Suite struct TextTests {
  private func run(_ op: any Operator, _ inputs: Tensor..., outputs: Int = 1) throws -> [Tensor] {
    try Eager().evaluate(op, inputs.map { .tensor($0) }, outputs: outputs, runner: nil).map {
      try #require($0).asTensor()
    }
  }

  /// As Python's `str.split`.
  @Test(
    arguments: [
      ("", nil, " a  b c ", ["a", "b", "c"]), ("", 1, " a  b c ", ["a", "b c "]),
      ("", 0, " a b", ["a b"]), ("-", nil, "a--b-", ["a", "", "b", ""]),
      ("-", 1, "a--b-", ["a", "-b-"]), ("é", nil, "1é2", ["1", "2"]), ("-", nil, "", [""]),
      ("--", -1, "a---b", ["a", "-b"]),
    ] as [(String, Int?, String, [String])])
  func splits(_ mark: String, _ limit: Int?, _ text: String, _ parts: [String]) throws {
    let x = try Tensor(shape: [1], strings: [text])
    let y = try run(StringSplit(delimiter: mark, maxSplit: limit), x, outputs: 2)
    #expect(y[0].strings == parts && y[0].shape == [1, parts.count])
    #expect(try y[1].values(as: Int64.self) == [Int64(parts.count)])
  }

  @Test func concatenatesWithBroadcast() throws {
    let x = try Tensor(shape: [2, 1], strings: ["a", "b"])
    let y = try Tensor(shape: [3], strings: ["1", "2", ""])
    let z = try run(StringConcat(), x, y)[0]
    #expect(z.shape == [2, 3] && z.strings == ["a1", "a2", "a", "b1", "b2", "b"])
    #expect(throws: EngineError.self) {
      try run(StringConcat(), y, Tensor(shape: [2], strings: ["", ""]))
    }
  }

  @Test func normalises() throws {
    let x = try Tensor(shape: [1, 3], strings: ["Monday", "is", "É"])
    let op = StringNormalizer(action: "LOWER", stopWords: ["MONDAY"])
    #expect(try run(op, x)[0].strings == ["is", "é"])
    let all = StringNormalizer(stopWords: ["monday", "IS", "é"])
    let empty = try run(all, x)[0]
    #expect(empty.shape == [1, 1] && empty.strings == [""])
    #expect(throws: EngineError.self) { try run(op, Tensor(shape: [2, 1], strings: ["", ""])) }
  }

  @Test func weighsWords() throws {
    let pool = try NgramPool(.strings(["a", "b", "a", "b"]), starts: [0, 2], lengths: 1...2)
    let x = try Tensor(shape: [4], strings: ["a", "b", "a", "c"])
    func rows(_ mode: String, _ weights: [Float]) throws -> [Float] {
      let op = try TfIdfVectorizer(pool, columns: [2, 0, 1], mode: mode, weights: weights)
      return try run(op, x)[0].values(as: Float.self)
    }
    #expect(try rows("TF", []) == [1, 1, 2])
    #expect(try rows("IDF", [3, 4, 5]) == [3, 4, 5])
    #expect(try rows("TFIDF", [3, 4, 5]) == [3, 4, 10])
    #expect(throws: EngineError.self) { try TfIdfVectorizer(pool, columns: [0, 1]) }
    #expect(throws: EngineError.self) { try rows("TFIDF", [1]) }
    #expect(throws: EngineError.self) {
      try NgramPool(.integers([1, 2, 3]), starts: [0, 2], lengths: 1...2)
    }
  }

  /// Answers as Python's `re.fullmatch` and RE2 give them.
  @Test(
    arguments: [
      ("", "", true), ("a*", "aaa", true), ("a*", "aab", false), ("a|bc|", "bc", true),
      ("a|bc|", "", true), ("(ab){2,3}", "abab", true), ("(ab){2,3}", "ab", false),
      ("(ab){2,}", "abababab", true), ("a{,2}", "a{,2}", true), ("a{2}?", "aa", true),
      ("[^a-c]+", "xyz", true), ("[^a-c]+", "xbz", false), ("[]a-]+", "]-a", true),
      ("[\\w.-]+@\\w+\\.com", "a.b-c@mail.com", true), (".", "é", true), (".", "\n", false),
      ("\\x41\\x{e9}", "Aé", true), ("(?:a|b)(?P<n>c)", "bc", true), ("^a$", "a", true),
      ("a\\b b", "a b", true), ("a\\bb", "ab", false), ("[\\D]", "x", true), ("[\\D]", "5", false),
      ("(a*)*", "aaab", false), ("(a|a)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
    ] as [(String, String, Bool)])
  func matches(_ pattern: String, _ text: String, _ answer: Bool) throws {
    #expect(try TextPattern(pattern).matchesWhole(text) == answer, "\(pattern) on \(text)")
  }
}
