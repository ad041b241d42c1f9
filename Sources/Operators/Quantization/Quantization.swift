import Graphs

/// Conversion to and from quantised numbers, and arithmetic on them.
enum Quantization {
  static let operators: [any Operator.Type] = [
    ConvInteger.self,
    DequantizeLinear.self,
    DynamicQuantizeLinear.self,
    MatMulInteger.self,
    QLinearConv.self,
    QLinearMatMul.self,
    QuantizeLinear.self,
  ]
}
