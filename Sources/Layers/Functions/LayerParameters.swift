import Tensors
import Training

extension Layer {
  /// Gives a pending parameter its first value, and what training does with it.
  func start(
    _ parameter: Parameter, _ sizes: [Int], _ initializer: Initializer,
    fans: Initializer.Fans? = nil, regularizer: Regularizer? = nil, constraint: Constraint? = nil
  ) throws(EngineError) {
    parameter.value = try initializer(sizes, fans: fans, dtype: dtype)
    if let regularizer { parameter.penalty = { try regularizer($0) } }
    if let constraint { parameter.constraint = { try constraint($0) } }
  }

  /// Errors: `.attribute` for a number below `least`.
  func checked(_ n: Int, from least: Int = 1, _ what: String) throws(EngineError) {
    if n >= least { return }
    throw EngineError(
      .attribute, "\(what) is out of range", expected: "\(least) or more", received: "\(n)")
  }

  /// Errors: `.attribute` for a rate outside 0..<1.
  func checked(rate: Double) throws(EngineError) {
    if rate >= 0, rate < 1 { return }
    throw EngineError(
      .attribute, "the rate is out of range", expected: "from 0, below 1", received: "\(rate)")
  }

  /// A place among `rank` axes from one that may count from the end.
  ///
  /// Errors: `.attribute` for an axis that is not there.
  func place(_ axis: Int, rank: Int) throws(EngineError) -> Int {
    let i = axis < 0 ? axis + rank : axis
    guard i >= 0, i < rank else {
      throw EngineError(
        .attribute, "the axis is out of range", expected: "\(-rank)...\(rank - 1)",
        received: "\(axis)")
    }
    return i
  }
}

/// A number as configurations show it.
func text(_ x: Double) -> String { x == x.rounded() && abs(x) < 1e15 ? "\(Int(x))" : "\(x)" }
