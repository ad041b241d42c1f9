import Graphs
import Operators
import Tensors

/// Moves outliers of activations into weights: a normalisation's channel `j` is divided by
/// `s_j = max|x_j|^a / max|w_j|^(1 - a)`, and row `j` of the products that take it multiplied.
///
/// The division goes into scale and bias of the normalisation where products alone take its result,
/// and is a Mul before them otherwise, as behind the residual sums of BERT.
///
/// Source: Xiao, Lin, Seznec, Wu, Demouth, Han, "SmoothQuant: Accurate and Efficient Post-Training
/// Quantization for Large Language Models", ICML 2023, equation 4.
struct Smoothing {
  let prepared: PreparedModel
  let strength: Double

  /// Values that normalisations make and products take, with these products.
  static func places(_ g: GraphEditor, _ layers: [Layer]) -> [ValueID: [Layer]] {
    let products = Dictionary(grouping: layers.filter(\.isProduct), by: \.input)
    return products.filter { isNormalised(g, $0.key) }
  }

  private static func isNormalised(_ g: GraphEditor, _ v: ValueID) -> Bool {
    guard let i = g.maker(v) else { return false }
    switch g.node(i).op {
    case is LayerNormalization, is RMSNormalization: return true
    case is Add:
      // A normalisation written out ends with `* scale + bias`.
      let inputs = g.node(i).inputs.compactMap { $0 }
      return inputs.contains { g.constant($0) != nil }
        && inputs.contains { x in
          guard let m = g.maker(x), g.op(m, as: Mul.self) != nil else { return false }
          return g.node(m).inputs.contains { g.constant($0)?.shape.rank == 1 }
        }
    default: return false
    }
  }

  /// The model with channels evened out; how many values were.
  func run(
    _ layers: [Layer], _ calibration: Calibration
  ) throws(EngineError) -> (model: PreparedModel, count: Int) {
    let e = QuantEditor(prepared)
    let places = Self.places(e.g, layers).sorted { $0.key.index < $1.key.index }
    var count = 0
    for (x, products) in places {
      guard let largest = calibration.maxima[x],
        let factors = factors(e.g, products, largest)
      else { continue }
      try divide(e, x, products, by: factors)
      for layer in products { try multiply(e, layer, by: factors) }
      count += 1
    }
    return (try PreparedModel(ready: try prepared.finished(e.g.finish())), count)
  }

  private func factors(_ g: GraphEditor, _ products: [Layer], _ largest: [Float]) -> [Float]? {
    var weights = [Float](repeating: 0, count: largest.count)
    for layer in products {
      guard let t = g.constant(layer.weight) else { return nil }
      let isTurned = layer.channelAxis == 0
      let columns = t.shape[1]
      guard t.shape[isTurned ? 1 : 0] == largest.count else { return nil }
      for (i, w) in t.elements(Float.self).enumerated() {
        let j = isTurned ? i % columns : i / columns
        weights[j] = max(weights[j], abs(w))
      }
    }
    return zip(largest, weights).map { (x, w) in
      guard x > 0, w > 0 else { return 1 }
      let s = Double(x).power(strength) / Double(w).power(1 - strength)
      return Float(min(max(s, 1e-5), 1e5))
    }
  }

  private func divide(
    _ e: QuantEditor, _ x: ValueID, _ products: [Layer], by factors: [Float]
  ) throws(EngineError) {
    let g = e.g
    let takers = Set(products.map(\.node))
    let isAlone = !g.isOutput(x) && g.users(x).allSatisfy { takers.contains($0) }
    if isAlone, let i = g.maker(x), g.op(i, as: Add.self) == nil {
      let parts = (1..<g.node(i).inputs.count).filter { g.input(i, $0) != nil }
      let constants = parts.compactMap { g.constant(g.input(i, $0)) }
      if constants.count == parts.count, !parts.isEmpty,
        constants.allSatisfy({ $0.dtype == .float32 && $0.count == factors.count })
      {
        for (k, t) in zip(parts, constants) {
          let name = g.input(i, k).map { e.name($0) } ?? "scale"
          let list = zip(t.elements(Float.self), factors).map { $0 / $1 }
          g.setInput(i, k, to: e.constant(try Tensor(shape: t.shape, list), name + "_smoothed"))
        }
        return
      }
    }
    let name = e.name(x)
    let inverse = e.constant(try Tensor(factors.map { 1 / $0 }), name + "_smoothing")
    guard let place = takers.min() else { return }
    let value = try e.add(Mul(), [x, inverse], name + "_smoothed", at: place)
    for i in takers {
      for k in g.node(i).inputs.indices where g.input(i, k) == x { g.setInput(i, k, to: value) }
    }
  }

  private func multiply(
    _ e: QuantEditor, _ layer: Layer, by factors: [Float]
  ) throws(EngineError) {
    guard let w = layer.weight, let t = e.g.constant(w) else { return }
    let isTurned = layer.channelAxis == 0
    let columns = t.shape[1]
    let list = t.elements(Float.self).enumerated().map { (i, v) in
      v * factors[isTurned ? i % columns : i / columns]
    }
    let made = e.constant(try Tensor(shape: t.shape, list), e.name(w) + "_smoothed")
    e.g.setInput(layer.node, 1, to: made)
  }
}
