import Tensors

/// Scale and zero point of an activation: `x = (q - zero) * scale`.
struct QuantParameters: Sendable, Equatable {
  let scale: Float
  /// 0 where symmetric, else 0 to 255.
  let zero: Int
  let isSymmetric: Bool

  /// For a range that holds zero. Symmetric: int8 from -127 to 127; else uint8.
  init(_ range: ClosedRange<Float>, symmetric: Bool) {
    isSymmetric = symmetric
    let low = Double(range.lowerBound)
    let high = Double(range.upperBound)
    let wanted = Float(symmetric ? max(-low, high) / 127 : (high - low) / 255)
    // An activation that is always zero, or so small that its reciprocal is infinite.
    scale = wanted >= 1e-30 && wanted.isFinite ? wanted : 1
    zero = symmetric ? 0 : Int(min(max((-low / Double(scale)).rounded(), 0), 255))
  }

  var dtype: DType { isSymmetric ? .int8 : .uint8 }
  /// Whether the quantiser cuts negative numbers off, as Relu does.
  var clipsNegatives: Bool { !isSymmetric && zero == 0 }
  /// The numbers it can stand for.
  var range: ClosedRange<Float> {
    isSymmetric ? -127 * scale...127 * scale : Float(-zero) * scale...Float(255 - zero) * scale
  }

  func zeroTensor() throws(EngineError) -> Tensor {
    isSymmetric ? try Tensor(scalar: Int8(0)) : try Tensor(scalar: UInt8(clamping: zero))
  }
}
