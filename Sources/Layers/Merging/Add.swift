import Tensors
import Training

/// The sum of the inputs.
///
/// - Source: Keras 3 Add.
public final class Add: Merge {
  override func merge(_ xs: [Tensor]) throws -> Tensor {
    xs.count == 2 ? try xs[0] + xs[1] : try sumOf(xs)
  }
}
