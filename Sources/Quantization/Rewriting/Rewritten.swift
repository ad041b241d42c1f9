import Graphs
import Tensors

/// A model with some layers quantised, and how to look at them.
struct Rewritten {
  /// The value of a layer's result in the prepared and in the quantised graph, by name.
  struct Probe: Sendable {
    let float: String
    let quantised: String
  }
  let model: ModelGraph
  /// By layer.
  var probes: [String: Probe] = [:]
  /// Signal over noise of the weights of a layer, in decibels.
  var weightNoise: [String: Double] = [:]
  /// Ranges chosen for activations, by value.
  var ranges: [(name: String, range: ClosedRange<Float>, histogram: Histogram)] = []
  /// What was left as it was, and why.
  var notes: [(layer: String, reason: String)] = []
}

/// `10 log10(signal / noise)`; infinite where there is no noise.
func decibels(signal: Double, noise: Double) -> Double {
  noise > 0 ? 10 * (signal / noise).logarithm10 : .infinity
}

/// The signal-to-noise ratio of numbers rounded to others, in decibels.
func decibels(_ exact: [Float], _ rounded: [Float]) -> Double {
  var signal = 0.0
  var noise = 0.0
  for (x, y) in zip(exact, rounded) {
    signal += Double(x) * Double(x)
    noise += (Double(x) - Double(y)) * (Double(x) - Double(y))
  }
  return decibels(signal: signal, noise: noise)
}
