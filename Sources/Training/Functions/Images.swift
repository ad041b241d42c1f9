import Graphs
import Operators
import Tensors

extension Tensor {
  /// Convolution: `[N, C, ...]` by `[M, C / groups, ...]` to `[N, M, ...]`. `pads` holds one number
  /// an axis, or those before and those after.
  public func conv(
    _ weight: Tensor, _ bias: Tensor? = nil, strides: [Int] = [], pads: [Int] = [],
    dilations: [Int] = [], groups: Int = 1, same: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let window = try Window.of(self, strides, pads, dilations, same: same)
    return try apply(
      Conv(window: window, group: groups), [self, weight, bias], outputs: 1, file, line)[0]
  }

  /// Transposed convolution: `[N, C, ...]` by `[C, M / groups, ...]` to `[N, M, ...]`.
  public func convTranspose(
    _ weight: Tensor, _ bias: Tensor? = nil, strides: [Int] = [], pads: [Int] = [],
    dilations: [Int] = [], groups: Int = 1, outputPadding: [Int] = [],
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let window = try Window.of(self, strides, pads, dilations)
    return try apply(
      ConvTranspose(window: window, group: groups, outputPadding: outputPadding),
      [self, weight, bias],
      outputs: 1, file, line)[0]
  }

  /// The largest element of each window of `[N, C, ...]`; windows do not overlap by default.
  public func maxPool(
    _ kernel: [Int], strides: [Int]? = nil, pads: [Int] = [], same: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    var window = try Window.of(self, strides ?? kernel, pads, [], same: same)
    window.kernel = kernel
    return try apply(MaxPool(window), [self], outputs: 2, file, line)[0]
  }

  /// The mean of each window of `[N, C, ...]`; windows do not overlap by default.
  public func averagePool(
    _ kernel: [Int], strides: [Int]? = nil, pads: [Int] = [], countsPads: Bool = false,
    same: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    var window = try Window.of(self, strides ?? kernel, pads, [], same: same)
    window.kernel = kernel
    return try apply(AveragePool(window, countsPads: countsPads), self, file, line)
  }

  /// The mean of each channel of `[N, C, ...]`: `[N, C, 1, ...]`.
  public func globalAveragePool(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(GlobalAveragePool(), self, file, line) }

  /// The largest element of each channel of `[N, C, ...]`: `[N, C, 1, ...]`.
  public func globalMaxPool(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(GlobalMaxPool(), self, file, line) }

  /// Mean 0 and variance 1 over the axes from `axis` on, then scaled and shifted.
  public func layerNorm(
    _ scale: Tensor, _ bias: Tensor? = nil, axis: Int = -1, epsilon: Float = 1e-5,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      LayerNormalization(axis: axis, epsilon: epsilon), [self, scale, bias], outputs: 1, file, line)[
        0]
  }

  /// Root mean square 1 over the axes from `axis` on, then scaled.
  public func rmsNorm(
    _ scale: Tensor, axis: Int = -1, epsilon: Float = 1e-5,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(RMSNormalization(axis: axis, epsilon: epsilon), self, scale, file, line)
  }

  /// Mean 0 and variance 1 over groups of channels of `[N, C, ...]`.
  public func groupNorm(
    _ scale: Tensor, _ bias: Tensor, groups: Int, epsilon: Float = 1e-5,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      GroupNormalization(groups: groups, epsilon: epsilon), self, scale, bias, file, line)
  }

  /// Mean 0 and variance 1 over each channel of each image of `[N, C, ...]`.
  public func instanceNorm(
    _ scale: Tensor, _ bias: Tensor, epsilon: Float = 1e-5,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(InstanceNormalization(epsilon: epsilon), self, scale, bias, file, line)
  }

  /// Each element divided by a power of the squares of `size` channels around it.
  public func localResponseNorm(
    size: Int, alpha: Float = 1e-4, beta: Float = 0.75, bias: Float = 1,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      LRN(size: size, alpha: alpha, beta: beta, bias: bias), self, file, line)
  }

  /// Each pixel of `[N, C, ...]` repeated.
  public func upsampled(
    _ factors: [Int], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    var result = self
    for (i, f) in factors.enumerated() where f != 1 {
      result = try result.repeated(f, axis: i + 2, file: file, line: line)
    }
    return result
  }
}

extension Window {
  /// A window over the spatial axes of `x`, `[N, C, ...]`.
  static func of(
    _ x: Tensor, _ strides: [Int], _ pads: [Int], _ dilations: [Int], same: Bool = false
  ) throws(EngineError) -> Window {
    let axes = x.shape.rank - 2
    guard pads.isEmpty || pads.count == axes || pads.count == 2 * axes else {
      throw EngineError(
        .attribute, "pads do not fit the spatial axes", expected: "\(axes) or \(2 * axes)",
        received: "\(pads.count)")
    }
    return Window(
      strides: strides, dilations: dilations, padsBegin: Array(pads.prefix(axes)),
      padsEnd: pads.count == axes ? pads : Array(pads.suffix(axes)),
      autoPad: same ? .sameUpper : .explicit)
  }
}
