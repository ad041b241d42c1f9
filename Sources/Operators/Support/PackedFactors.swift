import Graphs
import Kernels
import Tensors

extension Preparation {
  /// A constant factor of a matrix product, packed once for all its uses; see `PackedMatrix`.
  ///
  /// Errors: `.budget` when the system has no memory, `.dtype` for a type without products.
  func packedFactor(
    _ side: PackedMatrix.Side, count: Int, k: Int, _ tensor: Tensor, across: Int, along: Int
  ) throws(EngineError) -> PackedMatrix {
    try packed(tensor, as: "gemm \(side) \(count)x\(k) by \(across),\(along)") {
      (space) throws(EngineError) in
      try MatrixProduct.pack(
        side, count: count, k: k, tensor, across: across, along: along, space: space)
    }
  }
}
