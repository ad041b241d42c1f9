/// How weights of matrix products in blocks are written.
public enum WeightFormat: String, Sendable, CaseIterable {
  /// ONNX's own DequantizeLinear with `block_size`, before a MatMul: opset 21.
  case qdq
  /// One node `MatMulNBits` of the domain com.microsoft.
  case matmulnbits
}
