/// A size that may not be known yet: an integer, or a polynomial over named sizes.
///
/// `2*seq + 1` is a sum of terms; each term is an integer times a product of symbols. A quotient
/// that does not divide exactly becomes a symbol of its own, named after its text, so equal
/// expressions stay equal. Arithmetic saturates to an unknown symbol on overflow.
public struct Dim: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  struct Term: Hashable, Sendable {
    var factors: [String]
    var coefficient: Int
  }
  var constant: Int
  var terms: [Term]

  public init(_ value: Int) { self.init(constant: value, terms: []) }
  public init(integerLiteral value: Int) { self.init(value) }
  public init(symbol: String) {
    self.init(constant: 0, terms: [Term(factors: [symbol], coefficient: 1)])
  }
  init(constant: Int, terms: [Term]) {
    self.constant = constant
    self.terms = terms
  }

  /// The number, when no symbol is left.
  public var known: Int? { terms.isEmpty ? constant : nil }
  /// The name, when the size is one symbol and nothing else.
  public var symbol: String? {
    guard constant == 0, terms.count == 1, terms[0].coefficient == 1, terms[0].factors.count == 1
    else { return nil }
    return terms[0].factors[0]
  }
  /// Whether it is 0 or more whatever its symbols stand for, which are sizes.
  public var isNotNegative: Bool { constant >= 0 && terms.allSatisfy { $0.coefficient >= 0 } }
  public var symbols: Set<String> { Set(terms.flatMap(\.factors)) }

  public static func + (a: Dim, b: Dim) -> Dim {
    let (sum, overflow) = a.constant.addingReportingOverflow(b.constant)
    if overflow { return unknown("(\(a))+(\(b))") }
    if a.terms.isEmpty && b.terms.isEmpty { return Dim(sum) }
    return normalised(sum, a.terms + b.terms)
  }
  public static func - (a: Dim, b: Dim) -> Dim { a + b * Dim(-1) }
  public static func * (a: Dim, b: Dim) -> Dim {
    let (product, overflow) = a.constant.multipliedReportingOverflow(by: b.constant)
    if overflow { return unknown("(\(a))*(\(b))") }
    if a.terms.isEmpty && b.terms.isEmpty { return Dim(product) }
    var terms: [Term] = []
    func add(_ factors: [String], _ x: Int, _ y: Int) -> Bool {
      let (c, overflow) = x.multipliedReportingOverflow(by: y)
      if c != 0 { terms.append(Term(factors: factors, coefficient: c)) }
      return !overflow
    }
    var fits = true
    for t in a.terms { fits = add(t.factors, t.coefficient, b.constant) && fits }
    for t in b.terms { fits = add(t.factors, t.coefficient, a.constant) && fits }
    for s in a.terms {
      for t in b.terms {
        fits = add((s.factors + t.factors).sorted(), s.coefficient, t.coefficient) && fits
      }
    }
    return fits ? normalised(product, terms) : unknown("(\(a))*(\(b))")
  }

  /// The quotient rounded towards minus infinity. Division by a known zero is unknown.
  public static func / (a: Dim, b: Dim) -> Dim {
    if let y = b.known {
      if y == 1 { return a }
      if let x = a.known, y != 0, !(x == .min && y == -1) {
        let q = x / y
        return Dim(x % y != 0 && (x < 0) != (y < 0) ? q - 1 : q)
      }
      if y != 0, y != -1, a.constant % y == 0, a.terms.allSatisfy({ $0.coefficient % y == 0 }) {
        return Dim(
          constant: a.constant / y,
          terms: a.terms.map { Term(factors: $0.factors, coefficient: $0.coefficient / y) })
      }
    }
    if a == b { return 1 }
    if b.constant == 0, b.terms.count == 1, let d = b.terms.first, d.coefficient != 0,
      a.constant == 0
    {
      // A product divided by one of its parts.
      var quotient: [Term] = []
      for t in a.terms {
        var left = t.factors
        for f in d.factors {
          guard let i = left.firstIndex(of: f) else { return unknown("floor((\(a))/(\(b)))") }
          left.remove(at: i)
        }
        guard d.coefficient != -1, t.coefficient % d.coefficient == 0 else {
          return unknown("floor((\(a))/(\(b)))")
        }
        quotient.append(Term(factors: left, coefficient: t.coefficient / d.coefficient))
      }
      return normalised(0, quotient)
    }
    return unknown("floor((\(a))/(\(b)))")
  }

  /// The quotient rounded towards plus infinity.
  public func dividedRoundingUp(by b: Dim) -> Dim { (self + b - 1) / b }

  /// The larger of two sizes, symbolic where it is not decided.
  public static func max(_ a: Dim, _ b: Dim) -> Dim {
    if let x = a.known, let y = b.known { return Dim(Swift.max(x, y)) }
    return a == b
      ? a : unknown("max(\([a.description, b.description].sorted().joined(separator: ",")))")
  }
  public static func min(_ a: Dim, _ b: Dim) -> Dim {
    if let x = a.known, let y = b.known { return Dim(Swift.min(x, y)) }
    return a == b
      ? a : unknown("min(\([a.description, b.description].sorted().joined(separator: ",")))")
  }

  /// Whether this is the smaller of `other` and a number above 1.
  func isMinimum(of other: Dim) -> Bool {
    guard let name = symbol, name.hasPrefix("min("), name.hasSuffix(")") else { return false }
    let inner = name.dropFirst(4).dropLast()
    let text = other.description
    let bound: Substring
    if inner.hasPrefix(text + ",") {
      bound = inner.dropFirst(text.count + 1)
    } else if inner.hasSuffix("," + text) {
      bound = inner.dropLast(text.count + 1)
    } else {
      return false
    }
    return Int(bound).map { $0 > 1 } ?? false
  }

  /// The expression with symbols replaced by what `sizes` knows of them.
  public func substituting(_ sizes: [String: Dim]) -> Dim {
    if terms.isEmpty { return self }
    var sum = Dim(constant)
    for t in terms {
      var product = Dim(t.coefficient)
      for f in t.factors { product = product * (sizes[f] ?? Dim(symbol: f)) }
      sum = sum + product
    }
    return sum
  }

  private static func unknown(_ name: String) -> Dim {
    // Text grows with nesting; beyond a line it carries no insight and is only kept distinct.
    if name.utf8.count <= 120 { return Dim(symbol: name) }
    var h: UInt64 = 14_695_981_039_346_656_037
    for b in name.utf8 { h = (h ^ UInt64(b)) &* 1_099_511_628_211 }
    return Dim(symbol: "expr_\(String(h, radix: 16))")
  }

  private static func normalised(_ constant: Int, _ terms: [Term]) -> Dim {
    var constant = constant
    var merged: [Term] = []
    for t in terms.sorted(by: { $0.factors.lexicographicallyPrecedes($1.factors) }) {
      if t.factors.isEmpty {
        constant = constant &+ t.coefficient
      } else if let last = merged.last, last.factors == t.factors {
        merged[merged.count - 1].coefficient = last.coefficient &+ t.coefficient
      } else {
        merged.append(t)
      }
    }
    return Dim(constant: constant, terms: merged.filter { $0.coefficient != 0 })
  }

  public var description: String {
    if terms.isEmpty { return "\(constant)" }
    var text = ""
    for t in terms {
      let product = t.factors.joined(separator: "*")
      if t.coefficient < 0 {
        text += "-"
      } else if !text.isEmpty {
        text += "+"
      }
      let c = t.coefficient.magnitude
      text += c == 1 ? product : "\(c)*\(product)"
    }
    if constant != 0 { text += constant > 0 ? "+\(constant)" : "\(constant)" }
    return text
  }
}

extension Sequence where Element == Dim {
  /// The product of all sizes, 1 for none.
  public var product: Dim { reduce(1, *) }
}
