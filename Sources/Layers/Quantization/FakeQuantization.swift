import Tensors
import Training

/// Values as 8-bit integers will keep them: in range, rounded, and with the gradient of what was
/// rounded. The range is observed in training.
///
/// - Formula: `scale = (high - low) / 255` and `zero = round(-low / scale)` of a range that holds
///   0, as uint8; symmetric, `scale = max(|low|, |high|) / 127` and `zero = 0`, as int8.
/// - Output: that of the runtime's `QuantizeLinear` and `DequantizeLinear`, to the last bit; an
///   exported model holds the two operators.
/// - `axis`: that of channels with a range each; nil for one range. - `momentum`: weight of the
///   range before, `low = momentum low + (1 - momentum) min(x)`; the first batch's counts whole.
/// - States: `low`, `high`, `isObserved`, which is 0 before the first batch. Until then the scale
///   is 1.
/// - Input: any rank; with `axis` the size along it is known.
/// - Source: torch 2 FakeQuantize with MovingAverage(PerChannel)MinMaxObserver, whose weight of the
///   range before is 0.99 as well.
public final class FakeQuantization: Layer {
  /// The axis of channels; nil for one range.
  public let axis: Int?
  /// Whether the range is the same on both sides of zero, and integers are signed.
  public let isSymmetric: Bool
  /// Weight of the range before.
  public let momentum: Double
  /// Whether the range stays as it is, in training too.
  public var isFrozen = false
  /// The least value of the range.
  public let low = StateTensor.pending()
  /// The greatest value of the range.
  public let high = StateTensor.pending()
  /// 1 once a batch was seen.
  public let isObserved = StateTensor.pending()

  public init(axis: Int? = nil, isSymmetric: Bool = false, momentum: Double = 0.99) {
    self.axis = axis
    self.isSymmetric = isSymmetric
    self.momentum = momentum
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    guard momentum >= 0, momentum < 1 else {
      throw EngineError(
        .attribute, "the momentum is out of range", expected: "from 0, below 1",
        received: "\(momentum)")
    }
    var sizes: [Int] = []
    if let axis { sizes = [try size(of: shape, place(axis, rank: shape.rank))] }
    low.value = try .full(sizes, isSymmetric ? -127 : 0)
    high.value = try .full(sizes, isSymmetric ? 127 : 255)
    isObserved.value = try .zeros([])
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    if let axis { _ = try place(axis, rank: shape.rank) }
    return shape
  }
  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    if isTraining, !isFrozen { try withoutGradient { try observe(x.detached()) } }
    let (scale, zero) = try withoutGradient { try scaleAndZero() }
    let at = try axis.map { try place($0, rank: x.shape.rank) }
    return try x.fakeQuantized(scale: scale, zero: zero, axis: at ?? 0)
  }

  private func observe(_ x: Tensor) throws {
    var axes = Array(0..<x.shape.rank)
    if let axis { axes.remove(at: try place(axis, rank: x.shape.rank)) }
    let before = try isObserved.value * momentum
    func mixed(_ old: Tensor, _ new: Tensor) throws -> Tensor {
      try (old * before + new * (1 - before)).detached()
    }
    low.value = try mixed(low.value, x.min(axes: axes))
    high.value = try mixed(high.value, x.max(axes: axes))
    isObserved.value = try (isObserved.value * 0 + 1).detached()
  }

  /// The scale, float32, and the zero point, int8 or uint8, of the range.
  ///
  /// Errors: none that the range's own shape does not cause.
  public func scaleAndZero() throws -> (scale: Tensor, zero: Tensor) {
    // The distance of 1 to the next float32, as in torch.
    let least = Double(Float.ulpOfOne)
    let (low, high) = (low.value.settledInExport(), high.value.settledInExport())
    if isSymmetric {
      let most = try low.absolute().maximum(high.absolute())
      let scale = try (most / 127).maximum(least)
      return (scale, try (scale * 0).cast(to: .int8))
    }
    let (from, to) = (try low.minimum(0), try high.maximum(0))
    let scale = try ((to - from) / 255).maximum(least)
    let zero = try (from.negated() / scale).rounded().clipped(0, 255)
    return (scale, try zero.cast(to: .uint8))
  }

  public override var configuration: [(name: String, value: String)] {
    (axis.map { [("axis", "\($0)")] } ?? []) + [("isSymmetric", "\(isSymmetric)")]
  }
}
