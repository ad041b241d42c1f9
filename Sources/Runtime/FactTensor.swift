import Graphs
import Tensors

extension Fact {
  /// The known elements as a tensor of this fact's type; nil where one is symbolic.
  func integerTensor() -> Tensor? {
    guard let ints = knownInts, let type = tensorType, type.count == ints.count else { return nil }
    switch type.dtype {
    case .int64: return try? Tensor(shape: type.shape, ints.map { Int64($0) })
    case .int32:
      guard ints.allSatisfy({ Int32(exactly: $0) != nil }) else { return nil }
      return try? Tensor(shape: type.shape, ints.map { Int32(truncatingIfNeeded: $0) })
    default: return nil
    }
  }
}
