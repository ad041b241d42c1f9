import Tensors
import Training

/// The mean of the inputs.
///
/// - Source: Keras 3 Average.
public final class Average: Merge {
  override func merge(_ xs: [Tensor]) throws -> Tensor { try meanOf(xs) }
}
