import Tensors
import Training

/// A closure as a layer, without parameters.
///
/// ```swift
/// Lambda { try $0 * 2 }
/// ```
///
/// - Shapes: found by running it on zeros.
public final class Lambda: Layer {
  private let body: ([Tensor]) throws -> Tensor

  public init(_ body: @escaping (Tensor) throws -> Tensor) {
    self.body = { xs in
      guard let x = xs.first, xs.count == 1 else {
        throw EngineError(
          .arity, "the closure takes one input", expected: "1", received: "\(xs.count)")
      }
      return try body(x)
    }
    super.init()
  }

  /// A closure of several inputs.
  public init(all body: @escaping ([Tensor]) throws -> Tensor) {
    self.body = body
    super.init()
  }

  public override var passesMask: Bool { true }
  public override func forward(all xs: [Tensor]) throws -> Tensor { try body(xs) }
}
