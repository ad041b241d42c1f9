import Tensors
import Training

/// A model that can be trained: `Sequential`, what `Model(inputs:outputs:)` gives, and subclasses.
///
/// ```swift
/// final class Net: Network {
///   let hidden = Dense(32, activation: .relu)
///   let out = Dense(1)
///   override func forward(_ x: Tensor) throws -> Tensor { try out(hidden(x)) }
/// }
/// ```
///
/// Layers of a subclass are its stored properties. It is a layer itself, and goes into other
/// models.
open class Network: Layer {
  /// What `compile` said, and what training keeps between calls; nil before.
  public internal(set) var trainer: Trainer?
  /// What predicts before `compile`.
  var plain: Trainer?

  /// Layers of a subclass are built by running it once on zeros.
  open override func build(all shapes: [LayerShape]) throws(EngineError) {
    if path.isEmpty { _ = modules }
    do { try buildByRunning(shapes) } catch let error as EngineError { throw error } catch {
      throw EngineError(.internalDefect, "a model failed: \(error)", cause: error)
    }
  }

  private func buildByRunning(_ shapes: [LayerShape]) throws {
    try inTraining(false) {
      try withoutGradient {
        let zeros = try shapes.map { s in try Tensor.zeros(s.sizes.map { $0 ?? 2 }, dtype: dtype) }
        _ = try run(LayerInput(zeros))
      }
    }
  }

  /// Builds the model for samples of these sizes, one list for each input.
  ///
  /// Errors: those of its layers, with their paths.
  public func build(samples sizes: [Int?]...) throws(EngineError) {
    try prepare(for: sizes.map { LayerShape(batchOf: $0) })
  }

  /// The layer of a name, or at a dotted path.
  ///
  /// Errors: `.usage` with the nearest names.
  public func layer(
    _ name: String, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Layer {
    for (_, module) in modules {
      if let layer = module as? Layer, layer !== self, layer.name == name { return layer }
    }
    let found: Module
    do throws(EngineError) { found = try module(name) } catch { throw error.atCaller(file, line) }
    guard let layer = found as? Layer else {
      throw EngineError(.usage, "'\(name)' is no layer", received: "\(type(of: found))")
        .atCaller(file, line)
    }
    return layer
  }
}

extension Layer {
  /// The layer with a name of its own, which takes the place of its number in paths.
  ///
  /// ```swift
  /// Dense(10).named("head")
  /// ```
  public func named(_ name: String) -> Self {
    self.name = name
    return self
  }
}
