import Kernels
import Tensors

extension Gradients {
  /// The root of the sum of squares of all gradients.
  public func globalNorm() throws -> Double {
    var sum = 0.0
    for case let g? in values { sum += try Self.squares(g) }
    return sum.squareRoot()
  }

  /// The sum of a gradient's squares. Few floats are summed at once: an operator's call would cost as
  /// much again.
  private static func squares(_ g: Tensor) throws -> Double {
    guard g.dtype == .float32, g.count <= 1 << 16 else {
      return try withoutGradient { try g.sumOfSquares().scalar() }
    }
    return g.withUnsafeBytes { bytes in
      let x = bytes.bindMemory(to: Float.self)
      return x.baseAddress.map { Double(Float.sumOfSquares($0, x.count)) } ?? 0
    }
  }

  /// Every gradient changed by `change`.
  public func map(_ change: (Tensor) throws -> Tensor) throws -> Gradients {
    var result = self
    for (i, g) in values.enumerated() { result.values[i] = try g.map(change) }
    return result
  }

  /// Every gradient times a number.
  public func scaled(by factor: Double) throws -> Gradients {
    factor == 1 ? self : try map { try $0 * factor }
  }

  /// Elements brought into `-limit...limit`.
  ///
  /// Errors: `.value` for a limit that is not above 0.
  public func clipped(value limit: Double) throws -> Gradients {
    try check(limit)
    return try map { try $0.clipped(-limit, limit) }
  }

  /// Each gradient scaled down to a norm of `limit`, where its norm is larger.
  public func clipped(norm limit: Double) throws -> Gradients {
    try check(limit)
    return try map { g in
      let norm = try g.sumOfSquares().scalar().squareRoot()
      return norm > limit ? try g * (limit / norm) : g
    }
  }

  /// All gradients scaled down by one factor to a common norm of `limit`, where it is larger.
  ///
  /// Edges: a norm that is no finite number leaves them as they are.
  public func clipped(globalNorm limit: Double) throws -> Gradients {
    try check(limit)
    let norm = try globalNorm()
    return norm > limit && norm.isFinite ? try scaled(by: limit / norm) : self
  }

  private func check(_ limit: Double) throws {
    guard limit > 0 else {
      throw EngineError(
        .value, "gradients cannot be clipped to \(limit)", expected: "a number above 0")
    }
  }

  /// The sum of two models' worth of gradients of the same parameters.
  ///
  /// Errors: `.usage` for gradients of other parameters.
  public static func + (a: Gradients, b: Gradients) throws -> Gradients {
    guard a.parameters.count == b.parameters.count,
      zip(a.parameters, b.parameters).allSatisfy({ $0 === $1 })
    else {
      throw EngineError(
        .usage, "gradients of different parameters cannot be added",
        expected: "gradients of one model, with the same parameters trainable")
    }
    var result = a
    for (i, g) in b.values.enumerated() {
      guard let g else { continue }
      result.values[i] = if let mine = a.values[i] { try mine + g } else { g }
    }
    return result
  }
}

/// Gradients of several batches, summed until they are used for one step.
public struct GradientAccumulator {
  public private(set) var count = 0
  private var sum: Gradients?

  public init() {}

  public mutating func add(_ gradients: Gradients) throws {
    sum = if let sum { try sum + gradients } else { gradients }
    count += 1
  }

  /// The mean of what was added, and nothing left.
  ///
  /// Errors: `.usage` when nothing was.
  public mutating func take() throws -> Gradients {
    guard let sum else {
      throw EngineError(.usage, "no gradients were added", hint: "call add() for each batch")
    }
    defer {
      self.sum = nil
      count = 0
    }
    return try sum.scaled(by: 1 / Double(count))
  }
}
