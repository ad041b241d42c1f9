import Graphs
import Tensors

/// What calibration found out of the values of a prepared graph.
struct Calibration: Sendable {
  var ranges: [ValueID: Observation] = [:]
  /// The largest magnitude of each index along the last axis.
  var maxima: [ValueID: [Float]] = [:]
  /// The mean of each channel.
  var means: [ValueID: ChannelMeans] = [:]
  var hessians: [ValueID: Hessian] = [:]
  var rows = 0
}

/// Means over all but one axis, summed up batch by batch.
struct ChannelMeans: Sendable {
  let axis: Int
  private var sums: [Double] = []
  private var count = 0

  init(axis: Int) { self.axis = axis }

  var means: [Double] { sums.map { $0 / Double(max(1, count)) } }

  mutating func add(_ t: Tensor) {
    let rank = t.shape.rank
    let at = axis < 0 ? axis + rank : axis
    guard t.dtype == .float32, at >= 0, at < rank else { return }
    let channels = t.shape[at]
    if sums.isEmpty { sums = [Double](repeating: 0, count: channels) }
    guard sums.count == channels, channels > 0 else { return }
    let inner = t.shape.count(of: at + 1..<rank)
    for (i, x) in t.elements(Float.self).enumerated() { sums[i / inner % channels] += Double(x) }
    count += t.count / channels
  }
}
