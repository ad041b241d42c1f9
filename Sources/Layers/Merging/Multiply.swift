import Tensors
import Training

/// The product of the inputs.
///
/// - Source: Keras 3 Multiply.
public final class Multiply: Merge {
  override func merge(_ xs: [Tensor]) throws -> Tensor {
    try xs.dropFirst().reduce(xs[0]) { try $0 * $1 }
  }
}
