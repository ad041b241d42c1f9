import Tensors

/// A regular expression, compiled for matching in time linear in the text.
///
/// RE2's syntax and meaning over Unicode code points: literals, `.`, classes `[a-z]`, `[[:alpha:]]`,
/// `\d \w \s` and their opposites (ASCII), `\p{Greek}`, `\pL`; `\b \B ^ $ \A \z`; groups `(...)`,
/// `(?:...)` and named ones; flags `(?imsU)`; `|`; the quantifiers `* + ? {m,n}`, greedy or not; and
/// `\Q...\E`. Counts go to 1000, also those of quantified groups within each other, as in RE2. `\C`,
/// a byte of a code point, is refused.
///
/// Ours and not the system's libre2, whose interface is C++ that changes its name and layout with
/// each release; nor the standard library's Regex, which goes back and may take exponential time.
///
/// Source: Thompson, "Regular expression search algorithm", 1968; RE2's syntax page.
public final class TextPattern: Hashable, Sendable {
  public let source: String
  private let program: [Step]

  enum Step: Sendable {
    case one(ScalarSet)
    case fork(Int, Int)
    case assertion(Assertion)
    case match
  }
  enum Assertion: Sendable { case start, end, lineStart, lineEnd, wordEdge, noWordEdge }

  /// A program may have so many steps: what RE2's budget of 8 MB comes to.
  static let maxSteps = 100_000

  /// Errors: `.attribute` for an illegal pattern, `.budget` for one that grows too large,
  /// `.unsupported` for `\C`.
  public init(_ source: String) throws(EngineError) {
    self.source = source
    var parser = PatternParser(source)
    let tree = try parser.parse()
    var steps: [Step] = []
    var visits = 0
    try TextPattern.compile(tree, into: &steps, &visits)
    steps.append(.match)
    program = steps
  }

  public static func == (a: TextPattern, b: TextPattern) -> Bool { a.source == b.source }
  public func hash(into hasher: inout Hasher) { hasher.combine(source) }

  private static func compile(
    _ node: PatternNode, into steps: inout [Step], _ visits: inout Int
  ) throws(EngineError) {
    // Repeated groups of nothing add no steps, but visits.
    visits += 1
    guard steps.count < maxSteps, visits < 4 * maxSteps else {
      throw EngineError(
        .budget, "the pattern is too large", expected: "at most \(maxSteps) steps")
    }
    switch node {
    case .set(let set): steps.append(.one(set))
    case .assertion(let a): steps.append(.assertion(a))
    case .sequence(let list): for n in list { try compile(n, into: &steps, &visits) }
    case .choice(let list):
      var ends: [Int] = []
      for (i, n) in list.enumerated() {
        let fork = steps.count
        if i + 1 < list.count { steps.append(.fork(fork + 1, 0)) }
        try compile(n, into: &steps, &visits)
        guard i + 1 < list.count else { break }
        ends.append(steps.count)
        steps.append(.fork(0, 0))
        steps[fork] = .fork(fork + 1, steps.count)
      }
      for end in ends { steps[end] = .fork(steps.count, steps.count) }
    case .repeated(let n, let least, let most):
      for _ in 0..<least { try compile(n, into: &steps, &visits) }
      guard let most else {
        let fork = steps.count
        steps.append(.fork(0, 0))
        try compile(n, into: &steps, &visits)
        steps.append(.fork(fork, fork))
        steps[fork] = .fork(fork + 1, steps.count)
        return
      }
      var forks: [Int] = []
      for _ in least..<max(least, most) {
        forks.append(steps.count)
        steps.append(.fork(0, 0))
        try compile(n, into: &steps, &visits)
      }
      for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
    }
  }

  /// Whether the whole text matches.
  public func matchesWhole(_ text: String) -> Bool {
    var visits = 0
    return matchesWhole(text, &visits)
  }

  /// Adds how many steps of the program were looked at: at most the program's for each code point.
  func matchesWhole(_ text: String, _ visits: inout Int) -> Bool {
    let scalars = text.unicodeScalars.map(\.value)
    var marks = [Int](repeating: -1, count: program.count)
    var now: [Int] = []
    var next: [Int] = [0]
    var open: [Int] = []
    for i in 0...scalars.count {
      now.removeAll(keepingCapacity: true)
      swap(&open, &next)
      next.removeAll(keepingCapacity: true)
      while let at = open.popLast() {
        if marks[at] == i { continue }
        marks[at] = i
        visits += 1
        switch program[at] {
        case .fork(let a, let b):
          open.append(a)
          if b != a { open.append(b) }
        case .assertion(let a): if holds(a, scalars, i) { open.append(at + 1) }
        case .one, .match: now.append(at)
        }
      }
      for at in now {
        switch program[at] {
        case .match: if i == scalars.count { return true }
        case .one(let set): if i < scalars.count, set.contains(scalars[i]) { next.append(at + 1) }
        default: break
        }
      }
      if next.isEmpty { return false }
    }
    return false
  }

  /// The first place from `start` on where the pattern matches, and the longest match there.
  ///
  /// Assertions see the whole text. Cost: the text's length times what a match looks at.
  func firstMatch(in scalars: [UInt32], from start: Int) -> Range<Int>? {
    var marks = [Int](repeating: -1, count: program.count)
    var round = 0
    for first in start..<(scalars.count + 1) {
      var end: Int?
      var next: [Int] = [0]
      var i = first
      while !next.isEmpty && i <= scalars.count {
        var open = next
        next.removeAll(keepingCapacity: true)
        var now: [Int] = []
        round += 1
        while let at = open.popLast() {
          if marks[at] == round { continue }
          marks[at] = round
          switch program[at] {
          case .fork(let a, let b): open += [a, b]
          case .assertion(let a): if holds(a, scalars, i) { open.append(at + 1) }
          case .one: now.append(at)
          case .match: end = i
          }
        }
        for at in now {
          if case .one(let set) = program[at], i < scalars.count, set.contains(scalars[i]) {
            next.append(at + 1)
          }
        }
        i += 1
      }
      if let end { return first..<end }
    }
    return nil
  }

  private func holds(_ a: Assertion, _ scalars: [UInt32], _ i: Int) -> Bool {
    let before = i > 0 ? scalars[i - 1] : nil
    let after = i < scalars.count ? scalars[i] : nil
    func isWord(_ s: UInt32?) -> Bool { s.map { ScalarSet.word.contains($0) } ?? false }
    return switch a {
    case .start: before == nil
    case .end: after == nil
    case .lineStart: before == nil || before == 0x0A
    case .lineEnd: after == nil || after == 0x0A
    case .wordEdge: isWord(before) != isWord(after)
    case .noWordEdge: isWord(before) == isWord(after)
    }
  }
}

indirect enum PatternNode: Sendable {
  case set(ScalarSet)
  case assertion(TextPattern.Assertion)
  case sequence([PatternNode])
  case choice([PatternNode])
  case repeated(PatternNode, Int, Int?)
}
