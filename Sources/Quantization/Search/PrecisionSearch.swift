import Tensors

/// Finds the layers that must stay in float so that no more is lost than allowed.
///
/// Each layer's part is the outputs' noise with it alone quantised. The worst go back to float until
/// the loss is met: how many is found by halving, each trial measured on all rows.
struct PrecisionSearch {
  let evaluator: Evaluator
  /// What the error says where even one quantised layer costs too much.
  static let unmet = "no layer can be quantised within the allowed drop"

  let maxDrop: Double
  let probeRows: Int
  let rewrite: ([Layer]) throws(EngineError) -> Rewritten
  let progress: QuantizationProgress.Observer?

  struct Result {
    let rewritten: Rewritten
    let comparison: Evaluator.Comparison
    let quantised: [Layer]
    /// The worst first, with the outputs' signal-to-noise ratio when it alone is quantised.
    let kept: [(layer: Layer, ratio: Double)]
  }

  /// Errors: `.value` where nothing may be quantised within the limit.
  func run(_ layers: [Layer]) throws(EngineError) -> Result {
    let all = try rewrite(layers)
    let first = try evaluator.compare(all.model, stage: "measuring")
    if first.drop(evaluator.labels) <= maxDrop {
      return Result(rewritten: all, comparison: first, quantised: layers, kept: [])
    }
    let ranked = try rank(layers)
    var best: Result?
    var (low, high) = (0, layers.count)
    while low + 1 < high {
      let count = (low + high) / 2
      let kept = Array(ranked.prefix(count))
      let names = Set(kept.map(\.layer.name))
      let rest = layers.filter { !names.contains($0.name) }
      let trial = try rewrite(rest)
      let comparison = try evaluator.compare(
        trial.model, stage: "measuring with \(count) layers in float")
      if comparison.drop(evaluator.labels) <= maxDrop {
        high = count
        best = Result(rewritten: trial, comparison: comparison, quantised: rest, kept: kept)
      } else {
        low = count
      }
    }
    guard let best else {
      throw EngineError(
        .value, Self.unmet, expected: "\(maxDrop)",
        received: "\(Float(first.drop(evaluator.labels))) with all \(layers.count) quantised",
        hint: "allow more, or choose another mode or method")
    }
    return best
  }

  private func rank(_ layers: [Layer]) throws(EngineError) -> [(layer: Layer, ratio: Double)] {
    var list: [(layer: Layer, ratio: Double, relative: Double)] = []
    for (i, layer) in layers.enumerated() {
      let alone = try rewrite([layer])
      let noise = try evaluator.compare(
        alone.model, limit: probeRows, stage: "layer \(i + 1) of \(layers.count) alone")
      let worst = noise.outputs.map(\.noise).max { $0.relative < $1.relative } ?? NoiseSum()
      list.append((layer, worst.ratio, worst.relative))
    }
    let order = list.enumerated().sorted {
      ($1.element.relative, $0.offset) < ($0.element.relative, $1.offset)
    }
    return order.map { ($0.element.layer, $0.element.ratio) }
  }
}
