import Tensors
import Training

/// What training makes of a parameter after each step.
///
/// ```swift
/// Dense(64, kernelConstraint: .maxNorm(2))
/// ```
public struct Constraint: Sendable {
  /// What it is called in logs and messages.
  public let name: String
  private let body: @Sendable (Tensor) throws -> Tensor

  public init(_ name: String, _ body: @escaping @Sendable (Tensor) throws -> Tensor) {
    self.name = name
    self.body = body
  }

  public func callAsFunction(_ x: Tensor) throws -> Tensor { try body(x) }

  /// No element below 0.
  public static let nonNegative = Constraint("non_negative") { try $0.relu() }
  /// Vectors along an axis no longer than `limit`.
  public static func maxNorm(_ limit: Double = 2, axis: Int = 0) -> Constraint {
    Constraint("max_norm(\(limit))") { w in
      let norms = try w.l2Norm(axes: [axis], keepDims: true)
      return try w * (norms.clipped(0, limit) / (norms + 1e-7))
    }
  }
  /// Vectors along an axis of length 1.
  public static func unitNorm(axis: Int = 0) -> Constraint {
    Constraint("unit_norm") { w in
      try w / (w.l2Norm(axes: [axis], keepDims: true) + 1e-7)
    }
  }
  /// Vectors along an axis no shorter than `low` and no longer than `high`, drawn there by `rate`.
  public static func minMaxNorm(
    _ low: Double = 0, _ high: Double = 1, rate: Double = 1, axis: Int = 0
  ) -> Constraint {
    Constraint("min_max_norm(\(low), \(high))") { w in
      let norms = try w.l2Norm(axes: [axis], keepDims: true)
      let wanted = try norms.clipped(low, high) * rate + norms * (1 - rate)
      return try w * (wanted / (norms + 1e-7))
    }
  }
}
