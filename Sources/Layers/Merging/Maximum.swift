import Tensors
import Training

/// The largest element among the inputs at each place.
///
/// - Source: Keras 3 Maximum.
public final class Maximum: Merge {
  override func merge(_ xs: [Tensor]) throws -> Tensor { try maximumOf(xs) }
}
