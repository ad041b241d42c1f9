import Tensors

/// The n-grams that TfIdfVectorizer counts, as a tree of tokens. Equal when the lists are equal.
public final class NgramPool: Hashable, Sendable {
  public enum Tokens: Hashable, Sendable {
    case integers([Int])
    case strings([String])
  }
  public let tokens: Tokens
  /// Where the 1-grams, 2-grams, ... begin in `tokens`.
  public let starts: [Int]
  public let lengths: ClosedRange<Int>

  /// A node's children by token; node 0 is the root.
  private let children: [[Int: Int]]
  /// The number of the n-gram that ends in a node, or -1.
  let ngram: [Int]
  private let wordNumbers: [[UInt8]: Int]
  let count: Int

  /// Errors: `.attribute` when `starts` does not rise within the list, or an n-gram is cut short.
  public init(
    _ tokens: Tokens, starts: [Int], lengths: ClosedRange<Int>
  ) throws(EngineError) {
    self.tokens = tokens
    self.starts = starts
    self.lengths = lengths
    var numbers: [Int] = []
    var words: [[UInt8]: Int] = [:]
    switch tokens {
    case .integers(let list): numbers = list
    case .strings(let list):
      for s in list {
        let key = Array(s.utf8)
        let number = words[key] ?? words.count
        words[key] = number
        numbers.append(number)
      }
    }
    wordNumbers = words
    var children: [[Int: Int]] = [[:]]
    var ngram = [-1]
    var next = 0
    for (i, start) in starts.enumerated() {
      let size = i + 1
      let end = i + 1 < starts.count ? starts[i + 1] : numbers.count
      guard start >= 0, start <= end, end <= numbers.count, (end - start) % size == 0 else {
        throw EngineError(
          .attribute, "ngram_counts does not fit the pool",
          expected: "rising places of whole n-grams among \(numbers.count) tokens",
          received: "\(starts)")
      }
      if !lengths.contains(size) {
        next += (end - start) / size
        continue
      }
      for first in stride(from: start, to: end, by: size) {
        var node = 0
        for token in numbers[first..<first + size] {
          if let known = children[node][token] {
            node = known
          } else {
            children[node][token] = children.count
            node = children.count
            children.append([:])
            ngram.append(-1)
          }
        }
        ngram[node] = next
        next += 1
      }
    }
    self.children = children
    self.ngram = ngram
    count = next
  }

  /// The node of `token` below `node`.
  func child(_ node: Int, _ token: Int) -> Int? { children[node][token] }
  /// The number of a word; nil for words the pool does not have.
  func number(_ word: String) -> Int? { wordNumbers[Array(word.utf8)] }

  public static func == (a: NgramPool, b: NgramPool) -> Bool {
    a.tokens == b.tokens && a.starts == b.starts && a.lengths == b.lengths
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(tokens)
    hasher.combine(starts)
    hasher.combine(lengths)
  }
}
