import Tensors

/// Depthwise causal convolution over rows of float32, with what came before each row.
///
/// Output `t` of a row is the sum of the taps times the `k` values up to place `t` of `past` (or
/// zeros) followed by the row. Rows are independent; each is one batch entry's channel.
public struct CausalConvKernel: Sendable {
  public let channels: Int
  public let rows: Int
  public let length: Int
  public let taps: Int
  /// Whether results pass through `x * sigmoid(x)`.
  public let isActivated: Bool
  /// Sums are rounded to this type before the activation, as if they had been stored.
  public let rounding: DType
  private let pieces: Int

  public init(
    batch: Int, channels: Int, length: Int, taps: Int, isActivated: Bool, rounding: DType,
    threads: Int
  ) {
    self.channels = channels
    rows = batch * channels
    self.length = length
    self.taps = taps
    self.isActivated = isActivated
    self.rounding = rounding
    pieces = min(rows, threads > 1 ? 4 * threads : 1)
  }

  private static let tile = 512
  /// Floats of scratch.
  public var scratchCount: Int { isActivated ? pieces * Self.tile : 0 }

  public struct Operands {
    public var input: UnsafePointer<Float>
    /// `[channels, taps]`.
    public var weight: UnsafePointer<Float>
    public var bias: UnsafePointer<Float>?
    /// `[rows, taps - 1]`.
    public var past: UnsafePointer<Float>?
    public var output: UnsafeMutablePointer<Float>?
    /// `[rows, taps - 1]`: the last values of past and input together.
    public var present: UnsafeMutablePointer<Float>?
    public init(
      input: UnsafePointer<Float>, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
      past: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>?,
      present: UnsafeMutablePointer<Float>?
    ) {
      self.input = input
      self.weight = weight
      self.bias = bias
      self.past = past
      self.output = output
      self.present = present
    }
  }

  public func run(_ o: Operands, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool) {
    pool.run(pieces) { piece in
      for row in (piece * rows / pieces)..<((piece + 1) * rows / pieces) {
        let x = o.input + row * length
        let past = o.past.map { $0 + row * (taps - 1) }
        if let y = o.output {
          convolve(x, past, o.weight + row % channels * taps, into: y + row * length)
          finish(y + row * length, o.bias?[row % channels], scratch + piece * Self.tile)
        }
        if let present = o.present { keep(x, past, into: present + row * (taps - 1)) }
      }
    }
  }

  private func convolve(
    _ x: UnsafePointer<Float>, _ past: UnsafePointer<Float>?, _ w: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>
  ) {
    y.update(repeating: 0, count: length)
    for j in 0..<taps {
      let shift = taps - 1 - j
      let early = min(shift, length)
      if let past {
        for t in 0..<early { y[t] = (w[j] * past[t + j]) + y[t] }
      }
      if length > shift { Float.axpy(x, length - shift, w[j], into: y + shift) }
    }
  }

  private func finish(
    _ y: UnsafeMutablePointer<Float>, _ bias: Float?, _ copy: UnsafeMutablePointer<Float>
  ) {
    if let bias { for t in 0..<length { y[t] += bias } }
    guard isActivated else { return }
    for first in stride(from: 0, to: length, by: Self.tile) {
      let n = min(Self.tile, length - first)
      let part = y + first
      switch rounding {
      case .float16: for t in 0..<n { part[t] = Float(Float16(part[t])) }
      case .bfloat16: for t in 0..<n { part[t] = BFloat16(part[t]).float }
      default: break
      }
      copy.update(from: part, count: n)
      Float.sigmoid(copy, n)
      for t in 0..<n { part[t] *= copy[t] }
    }
  }

  private func keep(
    _ x: UnsafePointer<Float>, _ past: UnsafePointer<Float>?,
    into y: UnsafeMutablePointer<Float>
  ) {
    // Place i of the result is place i + length of past and row together.
    for i in 0..<taps - 1 {
      let at = i + length - (taps - 1)
      y[i] = at >= 0 ? x[at] : past?[i + length] ?? 0
    }
  }
}
