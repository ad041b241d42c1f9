import Tensors
import Training

extension Tensor {
  /// The elements as doubles; nil for types that are no numbers.
  var doubles: [Double]? { try? numbers() }
}
