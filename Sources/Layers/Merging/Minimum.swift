import Tensors
import Training

/// The smallest element among the inputs at each place.
///
/// - Source: Keras 3 Minimum.
public final class Minimum: Merge {
  override func merge(_ xs: [Tensor]) throws -> Tensor { try minimumOf(xs) }
}
