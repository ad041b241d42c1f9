import Tensors
import Training

/// Layers one behind the other.
///
/// ```swift
/// let model = try Sequential(input: [784]) {
///   Dense(128, activation: .relu)
///   if isDeep { Dense(64, activation: .relu) }
///   Dense(10)
/// }
/// ```
///
/// - `input`: the sizes of a sample, the batch left out, nil where a size varies. With it the model
///   is built at once, and shapes that do not fit are reported; without it, by its first batch.
/// - Names of parameters: `layers.0.kernel`, or by the layer's own name, `layers.head.kernel`.
public final class Sequential: Network {
  /// The layers, in order.
  public private(set) var layers: [Layer]

  /// Built by its first batch.
  public init(@LayerBuilder _ layers: () throws -> [Layer]) rethrows {
    self.layers = try layers()
    super.init()
  }

  /// Errors: those of layers that do not accept what comes to them, with the path, what was
  /// expected and received, and this line.
  public init(
    input: [Int?], file: StaticString = #fileID, line: UInt = #line,
    @LayerBuilder _ layers: () throws -> [Layer]
  ) throws {
    self.layers = try layers()
    super.init()
    do { try prepare(for: [LayerShape(batchOf: input)]) } catch {
      throw error.at(file: "\(file)", line: Int(line))
    }
  }

  /// The same layers, weights included, in a list of one's own.
  public init(_ layers: [Layer]) {
    self.layers = layers
    super.init()
  }

  /// Adds a layer behind the others. The model is built again, layers keep their parameters.
  ///
  /// Errors: those of the layer where the model is built already.
  public func append(_ layer: Layer) throws(EngineError) {
    if let shapes = inputShapes {
      var now = shapes
      for known in layers { now = try known.prepare(for: now) }
      try layer.prepare(for: now)
    }
    layers.append(layer)
    structureChanged()
  }

  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    guard !layers.isEmpty else {
      throw EngineError(.usage, "a model without layers", expected: "a layer")
    }
    // Paths are needed for messages.
    if path.isEmpty { _ = modules }
    _ = try outputShapes(for: shapes)
  }

  public override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] {
    var now = shapes
    for layer in layers { now = try layer.prepare(for: now) }
    return now
  }

  public override func forward(all xs: [Tensor]) throws -> Tensor { try run(LayerInput(xs)).value }

  public override func run(_ input: LayerInput) throws -> LayerOutput {
    var now = LayerOutput(
      try input.first(), others: Array(input.values.dropFirst()), mask: input.mask)
    var masks = input.masks
    for layer in layers {
      now = try layer(masked: now.values, masks)
      masks = [now.mask]
    }
    return now
  }
}
