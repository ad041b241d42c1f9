import Tensors
import Training

/// A layer whose kernel is divided by its largest singular value, found by power iteration in
/// training. Miyato et al. 2018.
///
/// - `layer`: has a parameter `kernel`; its last axis stands against all others, the first for
///   convolutions. - States: `vector`, the left singular vector; `divisor`, for use after training.
/// - Gradients flow through the division, the singular vectors being constants, as in torch. Keras
///   overwrites the kernel instead.
/// - Errors: `.usage` for a layer without a kernel.
public final class SpectralNormalization: Layer {
  /// The layer inside.
  public let layer: Layer
  /// Steps of power iteration for each batch.
  public let iterations: Int
  /// The left singular vector.
  public let vector = StateTensor.pending()
  /// The largest singular value.
  public let divisor = StateTensor.pending()

  public init(_ layer: Layer, iterations: Int = 1) {
    self.layer = layer
    self.iterations = iterations
    super.init()
  }

  private func kernel() throws(EngineError) -> Parameter {
    let found = layer.parameters.first { $0.name.hasSuffix("kernel") || $0.name.hasSuffix("table") }
    guard let found, found.value.shape.rank >= 2 || found.isPending else {
      throw EngineError(
        .usage, "the layer has no kernel to normalise", received: "\(type(of: layer))",
        hint: "wrap Dense, a convolution or Embedding")
    }
    return found
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(iterations, "the number of iterations")
    try layer.prepare(for: [shape])
    let k = try kernel().value
    vector.value = try .truncatedNormal([k.shape[0], 1], deviation: 0.02, dtype: dtype)
    divisor.value = try .ones([], dtype: dtype)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try layer.outputShape(for: shape)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let parameter = try kernel()
    let k = parameter.value
    var scale = divisor.value
    if isTraining {
      let matrix = try k.flatten(from: 1)
      let (u, v) = try withoutGradient {
        let m = matrix.detached()
        var (u, v) = (vector.value.detached(), vector.value)
        for _ in 0..<iterations {
          v = try m.transpose().matmul(u).normalized(axis: 0)
          u = try m.matmul(v).normalized(axis: 0)
        }
        return (u.detached(), v.detached())
      }
      scale = try u.transpose().matmul(matrix).matmul(v).sum()
      vector.value = u
      divisor.value = scale.detached()
    }
    parameter.value = try k / scale
    defer { parameter.value = k }
    return try layer(x)
  }
}
