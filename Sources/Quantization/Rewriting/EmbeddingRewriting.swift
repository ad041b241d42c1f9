import Graphs
import Operators
import Tensors

/// A table of rows in int8 with a scale each: `Gather(codes) * Gather(scales)`, so that only the rows
/// taken are ever made floats.
enum EmbeddingRewriting {
  /// - Returns: the table's signal-to-noise ratio in decibels.
  static func rewrite(_ e: QuantEditor, _ layer: Layer) throws(EngineError) -> Double {
    guard let w = layer.weight, let table = e.g.constant(w) else { return .infinity }
    let weights = Array(table.elements(Float.self))
    let rounded = ChannelWeights(weights, shape: table.shape, axis: 0)
    let (name, i) = (e.name(w), layer.node)
    let scales = try rounded.scaleTensor().reshaped([table.shape[0], 1])
    let codes = e.constant(try rounded.codeTensor(), name + "_quantized")
    let factors = e.constant(scales, name + "_scale")
    let row = try e.add(Gather(), [codes, layer.input], layer.name + "_codes", at: i)
    let factor = try e.add(Gather(), [factors, layer.input], layer.name + "_scales", at: i)
    let number = try e.add(Cast(to: .float32), [row], layer.name + "_cast", at: i)
    e.replace(i, with: Mul(), [number, factor])
    return decibels(weights, rounded.floats())
  }
}
