import Graphs
import Operators
import Tensors

extension Tensor {
  /// The discrete Fourier transform along an axis of `[..., n, 1]` (real) or `[..., n, 2]` (real
  /// and imaginary parts): `[..., n, 2]`, or `n / 2 + 1` of it where `oneSided`.
  public func fourier(
    axis: Int = -1, inverse: Bool = false, oneSided: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let place = try normalisedAxis(axis, rank: shape.rank - 1)
    return try apply(
      DFT(isInverse: inverse, isOneSided: oneSided), [self, nil, Tensor(scalar: Int64(place))],
      outputs: 1, file, line)[0]
  }

  /// The Fourier transforms of frames of `[batch, n, 1]`, `step` apart: `[batch, frames, bins, 2]`.
  public func shortFourier(
    step: Int, window: Tensor? = nil, frame: Int? = nil, oneSided: Bool = true,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let length: Tensor? = if let frame { try Tensor(scalar: Int64(frame)) } else { nil }
    return try apply(
      STFT(isOneSided: oneSided), [self, Tensor(scalar: Int64(step)), window, length], outputs: 1,
      file, line)[0]
  }
}
