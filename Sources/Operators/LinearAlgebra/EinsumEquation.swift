import Graphs
import Tensors

/// A summation in index notation, read once: `ij,jk->ik`.
///
/// A label is a letter's code; `EinsumEquation.ellipsis` stands for `...`.
struct EinsumEquation: Hashable, Sendable {
  static let ellipsis = -1
  let terms: [[Int]]
  /// Nil where the equation has no arrow.
  let result: [Int]?

  /// Errors: `.attribute` for anything but letters, commas, one arrow, one ellipsis a term, and
  /// result letters that occur once and in some term.
  init(_ text: String) throws(EngineError) {
    func wrong(_ what: String) -> EngineError {
      EngineError(
        .attribute, "the equation \(what)", expected: "as in ij,jk->ik", received: "'\(text)'")
    }
    let bytes = text.utf8.filter { $0 != 32 }
    var terms: [[Int]] = [[]]
    var isResult = false
    var hasEllipsis = false
    var i = 0
    while i < bytes.count {
      let c = bytes[i]
      switch c {
      case 65...90, 97...122: terms[terms.count - 1].append(Int(c))
      case 44:
        guard !isResult else { throw wrong("has a comma behind the arrow") }
        terms.append([])
        hasEllipsis = false
      case 46:
        guard i + 2 < bytes.count, bytes[i + 1] == 46, bytes[i + 2] == 46, !hasEllipsis else {
          throw wrong("has a stray dot")
        }
        terms[terms.count - 1].append(EinsumEquation.ellipsis)
        hasEllipsis = true
        i += 2
      case 45:
        guard i + 1 < bytes.count, bytes[i + 1] == 62, !isResult else {
          throw wrong("has a stray arrow")
        }
        isResult = true
        hasEllipsis = false
        terms.append([])
        i += 1
      default: throw wrong("has a character that is no letter")
      }
      i += 1
    }
    result = isResult ? terms.removeLast() : nil
    self.terms = terms
    for (i, label) in (result ?? []).enumerated() {
      if result?[..<i].contains(label) == true { throw wrong("repeats a label in its result") }
      if label != EinsumEquation.ellipsis, !terms.contains(where: { $0.contains(label) }) {
        throw wrong("has a label in its result that no term has")
      }
    }
  }

  /// The labels of each axis of each operand and of the result, ellipses spelled out with codes
  /// from 1000 on, aligned at the last.
  ///
  /// Errors: `.arity` and `.shape` where operands do not fit the terms.
  func labels(ranks: [Int]) throws(EngineError) -> (operands: [[Int]], result: [Int]) {
    guard ranks.count == terms.count else {
      throw EngineError(
        .arity, "the equation has another number of terms", expected: "\(terms.count) inputs",
        received: "\(ranks.count)")
    }
    var operands: [[Int]] = []
    var widest = 0
    for (i, term) in terms.enumerated() {
      let hasEllipsis = term.contains(EinsumEquation.ellipsis)
      let letters = term.count - (hasEllipsis ? 1 : 0)
      guard hasEllipsis ? ranks[i] >= letters : ranks[i] == letters else {
        throw EngineError(
          .shape, "input \(i) does not have a rank that fits its term",
          expected: "\(letters)\(hasEllipsis ? " or more" : "")", received: "\(ranks[i])")
      }
      widest = max(widest, hasEllipsis ? ranks[i] - letters : 0)
    }
    for (i, term) in terms.enumerated() {
      let extra = ranks[i] - term.count + 1
      operands.append(
        term.flatMap { $0 == EinsumEquation.ellipsis ? (0..<extra).map { 999 + extra - $0 } : [$0] }
      )
    }
    let dots = (0..<widest).map { 999 + widest - $0 }
    guard let result else {
      var counts: [Int: Int] = [:]
      for label in terms.joined() { counts[label, default: 0] += 1 }
      let once = counts.filter { $0.key != EinsumEquation.ellipsis && $0.value == 1 }.keys.sorted()
      return (operands, dots + once)
    }
    return (operands, result.flatMap { $0 == EinsumEquation.ellipsis ? dots : [$0] })
  }
}
