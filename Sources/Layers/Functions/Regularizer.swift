import Tensors
import Training

/// A term that training adds to the loss for a parameter.
///
/// ```swift
/// Dense(64, kernelRegularizer: .l2(1e-4))
/// ```
public struct Regularizer: Sendable {
  /// What it is called in logs and messages.
  public let name: String
  private let body: @Sendable (Tensor) throws -> Tensor

  public init(_ name: String, _ body: @escaping @Sendable (Tensor) throws -> Tensor) {
    self.name = name
    self.body = body
  }

  public func callAsFunction(_ x: Tensor) throws -> Tensor { try body(x) }

  /// `factor` times the sum of magnitudes.
  public static func l1(_ factor: Double = 0.01) -> Regularizer {
    Regularizer("l1(\(factor))") { try $0.absolute().sum() * factor }
  }
  /// `factor` times the sum of squares.
  public static func l2(_ factor: Double = 0.01) -> Regularizer {
    Regularizer("l2(\(factor))") { try $0.squared().sum() * factor }
  }
  /// Both.
  public static func l1l2(_ first: Double = 0.01, _ second: Double = 0.01) -> Regularizer {
    Regularizer("l1l2(\(first), \(second))") {
      try $0.absolute().sum() * first + $0.squared().sum() * second
    }
  }
  /// `factor` times how far rows of a matrix are from orthogonal: magnitudes of the products of
  /// different rows, each of unit length, halved.
  public static func orthogonal(_ factor: Double = 0.01) -> Regularizer {
    Regularizer("orthogonal(\(factor))") { x in
      let rows = try x.normalized(axis: 1)
      let products = try rows.matmul(rows.transpose())
      let n = x.shape[0]
      let others = try 1 - Tensor.identity(n, dtype: x.dtype)
      return try (products * others).absolute().sum() * (factor / 2)
        / Double(max(n * (n - 1) / 2, 1))
    }
  }
}
