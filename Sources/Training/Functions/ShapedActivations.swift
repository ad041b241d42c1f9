import Operators
import Tensors

extension Tensor {
  /// `x` above 0, `slope x` below. The shape stays.
  public func leakyRelu(
    slope: Float = 0.01, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(LeakyRelu(alpha: slope), self, file, line) }

  /// `x` above 0, `alpha (e^x - 1)` below. The shape stays.
  public func elu(
    alpha: Float = 1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Elu(alpha: alpha), self, file, line) }

  /// `x` above 0, `alpha (e^(x / alpha) - 1)` below. The shape stays.
  public func celu(
    alpha: Float = 1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Celu(alpha: alpha), self, file, line) }

  /// `x` times the normal distribution at `x`; by tanh where `approximate`. The shape stays.
  public func gelu(
    approximate: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Gelu(isTanh: approximate), self, file, line) }

  /// `min(1, max(0, alpha x + beta))`. The shape stays.
  public func hardSigmoid(
    alpha: Float = 0.2, beta: Float = 0.5, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(HardSigmoid(alpha: alpha, beta: beta), self, file, line)
  }

  /// `x` where it is above a threshold, 0 elsewhere. The shape stays.
  public func thresholdedRelu(
    above: Float = 1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(ThresholdedRelu(alpha: above), self, file, line) }

  /// `x` drawn towards 0 by `lambda`. The shape stays.
  public func softShrink(
    lambda: Float = 0.5, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Shrink(lambda: lambda, bias: lambda), self, file, line)
  }

  /// `x` outside `-lambda...lambda`, 0 within. The shape stays.
  public func hardShrink(
    lambda: Float = 0.5, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Shrink(lambda: lambda, bias: 0), self, file, line) }

  /// `x` above 0, `slope x` below; `slope` broadcasts to `x`.
  public func prelu(
    slope: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(PRelu(), self, slope, file, line) }

  /// `min(max(x, 0), 6)`. The shape stays.
  public func relu6(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try clipped(0, 6, file: file, line: line) }

  /// `log(sigmoid(x))`, without overflow. The shape stays.
  public func logSigmoid(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try negated(file: file, line: line).softplus(file: file, line: line)
      .negated(file: file, line: line)
  }

  /// `min(1, max(-1, x))`. The shape stays.
  public func hardTanh(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try clipped(-1, 1, file: file, line: line) }

  /// `x - tanh(x)`. The shape stays.
  public func tanhShrink(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Sub(), self, tanh(file: file, line: line), file, line)
  }

  /// `(x + sqrt(x^2 + b)) / 2`. The shape stays.
  public func squareplus(
    b: Double = 4, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let root = try (self * self + b).squareRoot(file: file, line: line)
    return try (self + root) * 0.5
  }

  /// `e^x / sum(e^x)` along an axis. The shape stays.
  public func softmax(
    axis: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Softmax(SoftmaxAxis(axis)), self, file, line) }

  /// `log(softmax(x))` along an axis, without overflow. The shape stays.
  public func logSoftmax(
    axis: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(LogSoftmax(SoftmaxAxis(axis)), self, file, line) }

  /// 1 at the first largest element along an axis, 0 elsewhere. No gradient. The shape stays.
  public func hardmax(
    axis: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Hardmax(SoftmaxAxis(axis)), self, file, line) }

  /// The first half along an axis times the sigmoid of the second; the axis is halved.
  public func glu(
    axis: Int = -1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let halves = try split(into: 2, axis: axis, file: file, line: line)
    return try halves[0] * halves[1].sigmoid(file: file, line: line)
  }
}
