import Tensors

/// Weights as int8 around zero, from -127 to 127, with one scale or one for each index along an
/// axis.
struct ChannelWeights: Sendable {
  let shape: Shape
  /// Nil for one scale.
  let axis: Int?
  private(set) var codes: [Int8]
  private(set) var scales: [Float]

  /// `floors` are scales that a channel must have at least, so that something else fits them.
  init(_ weights: [Float], shape: Shape, axis: Int?, floors: [Float]? = nil) {
    self.shape = shape
    self.axis = axis
    let (channels, inner) = Self.layout(shape, axis)
    var largest = [Float](repeating: 0, count: channels)
    for (c, x) in Self.walk(weights.count, channels, inner).lazy.map({ ($0.1, weights[$0.0]) }) {
      largest[c] = max(largest[c], abs(x))
    }
    scales = largest.enumerated().map { (c, m) in
      let own = max(m / 127, floors.map { $0[min(c, $0.count - 1)] } ?? 0)
      return own >= 1e-30 ? min(own, 1e36) : 1
    }
    codes = [Int8](repeating: 0, count: weights.count)
    for (i, c) in Self.walk(weights.count, channels, inner) {
      let q = (weights[i] / scales[c]).rounded(.toNearestOrEven)
      codes[i] = Int8(min(max(q, -127), 127))
    }
  }

  private static func layout(_ shape: Shape, _ axis: Int?) -> (channels: Int, inner: Int) {
    guard let axis else { return (1, max(1, shape.count)) }
    return (shape[axis], shape.count(of: axis + 1..<shape.rank))
  }

  /// Each element's place and its channel.
  private static func walk(
    _ count: Int, _ channels: Int, _ inner: Int
  ) -> some Sequence<(Int, Int)> {
    (0..<count).lazy.map { ($0, $0 / inner % channels) }
  }

  /// The numbers that the codes stand for.
  func floats() -> [Float] {
    let (channels, inner) = Self.layout(shape, axis)
    return codes.enumerated().map { (i, q) in Float(q) * scales[i / inner % channels] }
  }

  func codeTensor() throws(EngineError) -> Tensor { try Tensor(shape: shape, codes) }
  /// A scalar, or one for each channel.
  func scaleTensor() throws(EngineError) -> Tensor {
    axis == nil ? try Tensor(scalar: scales.first ?? 1) : try Tensor(scales)
  }
  func zeroTensor() throws(EngineError) -> Tensor {
    axis == nil
      ? try Tensor(scalar: Int8(0)) : try Tensor([Int8](repeating: 0, count: scales.count))
  }
}
