import Graphs
import Operators
import Tensors

extension Tensor {
  /// What is left of the elements when they are stored as 8-bit integers: `QuantizeLinear` and
  /// `DequantizeLinear` of the runtime, to the last bit, with a gradient that passes as it is where
  /// an element rounds to an integer in range, and is zero elsewhere.
  ///
  /// - `scale`: float32, one, or `[n]` along `axis`. `zero`: int8 or uint8, the shape of `scale`.
  ///   No gradient flows to either.
  /// - In graphs for inference both operators stand as they are, so exported models hold them.
  /// - Errors: `.shape`, `.dtype` where scales do not fit.
  /// - Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient
  ///   integer-arithmetic-only inference"; torch's `fake_quantize_per_channel_affine`.
  public func fakeQuantized(
    scale: Tensor, zero: Tensor, axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let scales = QuantScales(axis: axis)
    let context = TapeContext.current
    if let capture = context.capture, capture.isExport, !capture.isCaptured(self) {
      // Weights are stored as integers.
      let q = try apply(QuantizeLinear(scales: scales), self, scale, zero, file, line)
      let stored = try capture.constant("quantised", q)
      return try apply(DequantizeLinear(scales: scales), stored, scale, zero, file, line)
    }
    func rounded() throws(EngineError) -> Tensor {
      let q = try apply(QuantizeLinear(scales: scales), self, scale, zero, file, line)
      return try apply(DequantizeLinear(scales: scales), q, scale, zero, file, line)
    }
    let isWatched = context.capture.map(\.isForTraining) ?? context.isRecording
    guard isWatched else { return try rounded() }
    let y: Tensor
    do { y = try withoutGradient { try rounded().detached() } } catch let error as EngineError {
      throw error
    } catch { throw EngineError(.internalDefect, "a rounding failed: \(error)", cause: error) }
    let range = try integerRange(zero.dtype)
    let (s, z) = (scale.detached(), try zero.detached().cast(to: dtype))
    let low = try along(axis, ((z - range.low + 0.5) * s).negated())
    let high = try along(axis, (z * -1 + (range.high + 0.5)) * s)
    return try apply(StraightThrough(), y, maximum(low).minimum(high), file, line)
  }

  /// The contents as they are now, where a graph is exported; the tensor itself otherwise. What is
  /// computed from such tensors alone is done before and stored.
  public func settledInExport() -> Tensor {
    guard let capture = TapeContext.current.capture, capture.isExport else { return self }
    return Tensor(storage)
  }

  /// `[n]` with axes of one element, so that it broadcasts along `axis` of this tensor.
  private func along(_ axis: Int, _ t: Tensor) throws(EngineError) -> Tensor {
    guard t.shape.rank == 1, t.count > 1 || shape.rank > 0 else { return t }
    let at = axis < 0 ? axis + shape.rank : axis
    return try t.reshape((0..<shape.rank).map { $0 == at ? t.count : 1 })
  }
}

/// The least and the greatest of 8-bit integers.
///
/// Errors: `.dtype` for others.
private func integerRange(_ dtype: DType) throws(EngineError) -> (low: Double, high: Double) {
  switch dtype {
  case .int8: return (-128, 127)
  case .uint8: return (0, 255)
  default:
    throw EngineError(
      .dtype, "elements are not quantised to \(dtype)", expected: "int8 or uint8",
      received: "\(dtype)")
  }
}
