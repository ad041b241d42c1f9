import Tensors
import Training

/// A layer whose inputs and weights are as 8-bit integers keep them: what `quantizationAware` puts
/// in the place of dense and convolutional layers.
///
/// - Inputs have one range, by uint8. Weights have a range for each output, symmetric, by int8, as
///   the runtime's integer kernels take them. Biases and sums stay as they are.
/// - Names: the layer's own parameters lie under `layer`, ranges under `inputs` and `weights`.
public final class QuantizationAware: Layer {
  /// The layer itself, weights included.
  public let layer: Layer
  /// What its input is rounded by.
  public let inputs: FakeQuantization
  /// What its kernel is rounded by.
  public let weights: FakeQuantization
  private let weighted: WeightedLayer

  /// Nil for a layer that has no weights to multiply by.
  public init?(_ layer: Layer, momentum: Double = 0.99) {
    guard let weighted = WeightedLayer(layer) else { return nil }
    self.weighted = weighted
    self.layer = layer
    inputs = FakeQuantization(momentum: momentum)
    weights = FakeQuantization(axis: weighted.kernelAxis, isSymmetric: true, momentum: momentum)
    super.init()
    name = layer.name
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try layer.prepare(for: shapes)
    try inputs.prepare(for: shapes)
    try weights.prepare(
      for: [LayerShape(weighted.kernel.value.shape.array.map { Optional($0) })])
  }
  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] { try layer.prepare(for: shapes) }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    let x = try inputs(input.first())
    let kernel = weighted.kernel
    let before = kernel.value
    kernel.value = try weights(before.settledInExport())
    defer { kernel.value = before }
    return try layer(masked: [x], input.masks)
  }

  public override var configuration: [(name: String, value: String)] { layer.configuration }
}

/// The same model, its parameters shared, with dense and convolutional layers, transposed ones too,
/// trained as 8-bit integers will compute them, together with the batch norm behind them; models within
/// it too.
///
/// ```swift
/// let aware = try quantizationAware(model)
/// aware.compile(optimizer: .keras.adam(learningRate: 1e-4), loss: loss)
/// try aware.fit(x, y, epochs: 2)
/// try aware.freezeRanges()
/// try exportONNX(aware, to: "int8.onnx", inputs: [("x", x)]) { [("y", try $0($1[0]))] }
/// ```
///
/// An exported model holds `QuantizeLinear` and `DequantizeLinear` in front of these layers, from
/// which runtimes make integer kernels. Train it before: ranges are observed in training.
///
/// - Errors: `.usage` for a model that is not built; `.unsupported` for a subclass of `Network`,
///   whose layers stand in its own code: put `QuantizationAware` there.
public func quantizationAware(
  _ model: Network, momentum: Double = 0.99
) throws(EngineError) -> Network {
  guard let shapes = model.inputShapes else {
    throw EngineError(
      .usage, "the model is not built", expected: "a model with its input's shape")
  }
  var norms: [ObjectIdentifier: BatchNormalization] = [:]
  var gone: Set<ObjectIdentifier> = []
  func replaced(_ layer: Layer) throws(EngineError) -> Layer {
    if let inner = layer as? Network {
      let made = try quantizationAware(inner, momentum: momentum)
      made.name = inner.name
      return made
    }
    if gone.contains(ObjectIdentifier(layer)) { return Identity() }
    if let norm = norms[ObjectIdentifier(layer)],
      let made = QuantizationAwareNormalized(layer, norm, momentum: momentum)
    {
      return made
    }
    return QuantizationAware(layer, momentum: momentum) ?? layer
  }
  func pair(_ layer: Layer, _ next: Layer, rank: Int) {
    guard let norm = next as? BatchNormalization, let weighted = WeightedLayer(layer),
      weighted.takes(norm, rank: rank)
    else { return }
    norms[ObjectIdentifier(layer)] = norm
    gone.insert(ObjectIdentifier(norm))
  }
  let made: Network
  switch model {
  case let s as Sequential:
    var counts: [ObjectIdentifier: Int] = [:]
    for layer in s.layers { counts[ObjectIdentifier(layer), default: 0] += 1 }
    var at = shapes
    for (layer, next) in zip(s.layers, s.layers.dropFirst()) {
      at = try layer.outputShapes(for: at)
      guard let shape = at.first, counts[ObjectIdentifier(layer)] == 1,
        counts[ObjectIdentifier(next)] == 1
      else { continue }
      pair(layer, next, rank: shape.rank)
    }
    var layers: [Layer] = []
    for layer in s.layers where !gone.contains(ObjectIdentifier(layer)) {
      layers.append(try replaced(layer))
    }
    made = Sequential(layers)
  case let g as GraphModel:
    for (layer, next, rank) in try g.onlyFollowers() { pair(layer, next, rank: rank) }
    made = try g.replacing(replaced)
  default:
    throw EngineError(
      .unsupported, "layers of a subclass cannot be exchanged", received: "\(type(of: model))",
      hint: "use QuantizationAware(layer) within it")
  }
  // Paths were those of the model before.
  made.structureChanged()
  _ = made.modules
  try made.prepare(for: shapes)
  return made
}

extension Network {
  /// Keeps the ranges of all `FakeQuantization` layers as they are from now on, or observes again:
  /// the last epochs are best trained with frozen ranges.
  public func freezeRanges(_ frozen: Bool = true) {
    for (_, m) in modules { (m as? FakeQuantization)?.isFrozen = frozen }
    trainer?.forgetSteps()
  }
}
