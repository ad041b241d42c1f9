import Tensors
import Training

/// The first input without the second.
///
/// - Source: Keras 3 Subtract.
public final class Subtract: Merge {
  override var counts: ClosedRange<Int> { 2...2 }
  override func merge(_ xs: [Tensor]) throws -> Tensor { try xs[0] - xs[1] }
}
