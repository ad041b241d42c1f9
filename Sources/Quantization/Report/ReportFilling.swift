import Tensors

extension QuantizationReport {
  mutating func fill(_ done: Rewritten, _ layers: [Layer], _ noise: [String: NoiseSum]) {
    var rows = layers.map {
      LayerRow(
        name: $0.name, operatorName: $0.operatorName, weights: done.weightNoise[$0.name],
        activations: noise[$0.name]?.ratio)
    }
    if options.mode == .fp16 || options.mode == .bf16 {
      rows = done.weightNoise.sorted { $0.key < $1.key }.map {
        LayerRow(name: $0.key, operatorName: "weights", weights: $0.value, activations: nil)
      }
    }
    self.layers = Self.worstFirst(rows)
    drawings = done.ranges.map { Drawing(name: $0.name, histogram: $0.histogram, range: $0.range) }
  }

  private static func worstFirst(_ rows: [LayerRow]) -> [LayerRow] {
    rows.enumerated().sorted {
      let (a, b) = ($0.element, $1.element)
      return (a.activations ?? .infinity, a.weights ?? .infinity, $0.offset)
        < (b.activations ?? .infinity, b.weights ?? .infinity, $1.offset)
    }.map(\.element)
  }

  mutating func fill(_ c: Evaluator.Comparison, _ labels: Labels?) {
    rows = c.rows
    outputs = c.outputs.map {
      OutputRow(name: $0.name, ratio: $0.noise.ratio, relative: $0.noise.relative)
    }
    if let labels { metric = (labels.metric, c.before.value, c.after.value) }
  }
}
