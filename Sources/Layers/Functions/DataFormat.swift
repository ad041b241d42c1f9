import Tensors
import Training

/// Where channels stand. The default everywhere is `channelsFirst`, `[N, C, ...]`, as in ONNX and
/// in the kernels; Keras' own is `channelsLast`, `[N, ..., C]`, which costs two turns of the axes.
public enum DataFormat: String, Sendable { case channelsFirst, channelsLast }

extension DataFormat {
  /// The shape with channels first.
  func first(_ shape: LayerShape) -> LayerShape {
    guard self == .channelsLast, shape.rank > 2 else { return shape }
    return LayerShape([shape[0], shape[-1]] + Array(shape.sizes[1..<shape.rank - 1]))
  }
  /// The shape with channels where this format has them.
  func own(_ shape: LayerShape) -> LayerShape {
    guard self == .channelsLast, shape.rank > 2 else { return shape }
    return LayerShape([shape[0]] + Array(shape.sizes[2...]) + [shape[1]])
  }
  /// The tensor with channels first.
  func first(_ x: Tensor) throws(EngineError) -> Tensor {
    guard self == .channelsLast, x.shape.rank > 2 else { return x }
    return try x.moveAxis(-1, to: 1)
  }
  /// The tensor with channels where this format has them.
  func own(_ x: Tensor) throws(EngineError) -> Tensor {
    guard self == .channelsLast, x.shape.rank > 2 else { return x }
    return try x.moveAxis(1, to: -1)
  }
}
