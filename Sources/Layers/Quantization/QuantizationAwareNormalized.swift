import Tensors
import Training

/// A layer and the batch norm behind it as one layer of 8-bit weights: what `quantizationAware` puts
/// in their place, since whoever runs the model multiplies the norm into the weights first.
///
/// - Formula: `f = gamma / sqrt(variance + epsilon)` with the running variance. Weights are rounded as
///   `kernel f`. In training the result is divided by `f` and normalised by the batch's own moments,
///   which the running ones follow; otherwise, and in training with frozen ranges, the result is
///   `conv(x, round(kernel f)) + beta + (bias - mean) f`, which the runtime's integer kernels compute.
///   A factor of 0 counts as 1e-6.
/// - Names: the layers' own parameters lie under `layer` and `norm`, ranges under `inputs` and
///   `weights`.
/// - Source: Jacob et al. 2018, section 3.2, as in torch 2's `ConvBn2d` of `nn.intrinsic.qat`.
public final class QuantizationAwareNormalized: Layer {
  /// The layer that multiplies.
  public let layer: Layer
  /// The batch norm behind it.
  public let norm: BatchNormalization
  /// What its input is rounded by.
  public let inputs: FakeQuantization
  /// What its kernel is rounded by.
  public let weights: FakeQuantization
  private let weighted: WeightedLayer

  /// Nil for a layer that has no weights to multiply by, or applies a function to its result.
  public init?(_ layer: Layer, _ norm: BatchNormalization, momentum: Double = 0.99) {
    guard let weighted = WeightedLayer(layer), weighted.isLinear else { return nil }
    self.layer = layer
    self.norm = norm
    self.weighted = weighted
    inputs = FakeQuantization(momentum: momentum)
    weights = FakeQuantization(axis: weighted.kernelAxis, isSymmetric: true, momentum: momentum)
    super.init()
    name = layer.name
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    let made = try layer.prepare(for: shapes)
    for shape in made where !weighted.takes(norm, rank: shape.rank) {
      throw EngineError(
        .attribute, "the norm works along another axis than the channels'",
        received: "axis \(norm.axis) of \(shape)")
    }
    _ = try norm.prepare(for: made)
    try inputs.prepare(for: shapes)
    try weights.prepare(
      for: [LayerShape(weighted.kernel.value.shape.array.map { Optional($0) })])
  }
  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] { try layer.prepare(for: shapes) }

  public override func forward(_ input: Tensor) throws -> Tensor {
    let x = try inputs(input)
    let deviation = try (norm.variance.value.settledInExport() + norm.epsilon).squareRoot()
    let gamma = try norm.gamma?.value ?? (deviation * 0 + 1)
    let exact = try gamma.settledInExport() / deviation
    let factor = try choose(exact.isEqual(to: exact * 0), exact * 0 + 1e-6, exact)
    let kernel = try weights(
      weighted.kernel.value.settledInExport() * weighted.alongKernel(factor))
    let bias = weighted.bias?.value.settledInExport()
    if isTraining, !inputs.isFrozen {
      let y = try weighted.run(x, kernel: kernel, bias: bias.map { try $0 * factor })
      return try norm(y / weighted.alongResult(factor, rank: y.shape.rank))
    }
    var offset = try norm.mean.value.settledInExport() * factor * -1
    if let bias { offset = try offset + bias * factor }
    if let beta = norm.beta { offset = try offset + beta.value.settledInExport() }
    let y = try weighted.run(x, kernel: kernel, bias: offset)
    return bias != nil ? y : try y + weighted.alongResult(offset, rank: y.shape.rank)
  }

  public override var configuration: [(name: String, value: String)] { layer.configuration }
}
