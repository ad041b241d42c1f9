import Tensors
import Training

/// A function applied to what a layer computes, known by its name.
///
/// ```swift
/// Dense(64, activation: .relu)
/// Dense(64, activation: ActivationFunction("cube") { try $0 * $0 * $0 })
/// ```
public struct ActivationFunction: Sendable {
  /// What it is called in logs and messages.
  public let name: String
  private let body: @Sendable (Tensor) throws -> Tensor

  public init(_ name: String, _ body: @escaping @Sendable (Tensor) throws -> Tensor) {
    self.name = name
    self.body = body
  }

  public func callAsFunction(_ x: Tensor) throws -> Tensor { try body(x) }

  /// `x`.
  public static let linear = ActivationFunction("linear") { $0 }
  /// `max(x, 0)`.
  public static let relu = ActivationFunction("relu") { try $0.relu() }
  /// `min(max(x, 0), 6)`.
  public static let relu6 = ActivationFunction("relu6") { try $0.relu6() }
  /// `x` above 0, `0.2 x` below: Keras' slope.
  public static let leakyRelu = ActivationFunction("leaky_relu") { try $0.leakyRelu(slope: 0.2) }
  /// `x` above 0, `e^x - 1` below.
  public static let elu = ActivationFunction("elu") { try $0.elu() }
  /// `x` above 0, `e^x - 1` below, smooth for other alphas than 1.
  public static let celu = ActivationFunction("celu") { try $0.celu() }
  /// The scaled exponential linear unit. Klambauer et al. 2017.
  public static let selu = ActivationFunction("selu") { try $0.selu() }
  /// `x` times the normal distribution at `x`, by the error function.
  public static let gelu = ActivationFunction("gelu") { try $0.gelu() }
  /// The same by tanh, as Keras has it with `approximate`.
  public static let geluApproximate = ActivationFunction("gelu_approximate") {
    try $0.gelu(approximate: true)
  }
  /// `1 / (1 + e^-x)`.
  public static let sigmoid = ActivationFunction("sigmoid") { try $0.sigmoid() }
  /// The hyperbolic tangent.
  public static let tanh = ActivationFunction("tanh") { try $0.tanh() }
  /// `x sigmoid(x)`, also called swish.
  public static let silu = ActivationFunction("silu") { try $0.silu() }
  /// `x tanh(log(1 + e^x))`.
  public static let mish = ActivationFunction("mish") { try $0.mish() }
  /// `e^x`.
  public static let exponential = ActivationFunction("exponential") { try $0.exp() }
  /// `e^x / sum(e^x)` over the last axis.
  public static let softmax = ActivationFunction("softmax") { try $0.softmax() }
  /// `log(softmax(x))` over the last axis.
  public static let logSoftmax = ActivationFunction("log_softmax") { try $0.logSoftmax() }
  /// `log(1 + e^x)`.
  public static let softplus = ActivationFunction("softplus") { try $0.softplus() }
  /// `x / (1 + |x|)`.
  public static let softsign = ActivationFunction("softsign") { try $0.softsign() }
  /// `x - tanh(x)`.
  public static let tanhShrink = ActivationFunction("tanh_shrink") { try $0.tanhShrink() }
  /// `x` drawn towards 0 by 0.5.
  public static let softShrink = ActivationFunction("soft_shrink") { try $0.softShrink() }
  /// `x` outside -0.5...0.5, 0 within.
  public static let hardShrink = ActivationFunction("hard_shrink") { try $0.hardShrink() }
  /// `min(1, max(-1, x))`.
  public static let hardTanh = ActivationFunction("hard_tanh") { try $0.hardTanh() }
  /// `min(1, max(0, x / 6 + 1/2))`: Keras 3's.
  public static let hardSigmoid = ActivationFunction("hard_sigmoid") {
    try $0.hardSigmoid(alpha: 1.0 / 6, beta: 0.5)
  }
  /// `x hardSigmoid(x)`.
  public static let hardSilu = ActivationFunction("hard_silu") { try $0.hardSwish() }
  /// `log(sigmoid(x))`.
  public static let logSigmoid = ActivationFunction("log_sigmoid") { try $0.logSigmoid() }
  /// The first half of the last axis times the sigmoid of the second.
  public static let glu = ActivationFunction("glu") { try $0.glu() }
  /// `(x + sqrt(x^2 + 4)) / 2`.
  public static let squareplus = ActivationFunction("squareplus") { try $0.squareplus() }
  /// 0 up to -1, `x` from 1 on, `(x + 1)^2 / 4` between.
  public static let sparsePlus = ActivationFunction("sparse_plus") { x in
    let inner = try (x.clipped(-1, 1) + 1).squared() * 0.25
    return try inner + (x - 1).relu()
  }
  /// `(x + 1) / 2` within -1...1, 0 and 1 outside.
  public static let sparseSigmoid = ActivationFunction("sparse_sigmoid") {
    try ($0 * 0.5 + 0.5).clipped(0, 1)
  }
  /// `x` above 1, 0 elsewhere.
  public static let threshold = ActivationFunction("threshold") { try $0.thresholdedRelu() }
  /// The nearest distribution in Euclidean distance, over the last axis. Martins and Astudillo
  /// 2016.
  public static let sparsemax = ActivationFunction("sparsemax") { try nearestDistribution($0) }

  /// All that have a name of their own here, in the order above.
  public static let all: [ActivationFunction] = [
    linear, relu, relu6, leakyRelu, elu, celu, selu, gelu, geluApproximate, sigmoid, tanh, silu,
    mish, exponential, softmax, logSoftmax, softplus, softsign, tanhShrink, softShrink, hardShrink,
    hardTanh, hardSigmoid, hardSilu, logSigmoid, glu, squareplus, sparsePlus, sparseSigmoid,
    threshold, sparsemax,
  ]

  /// The function of a name.
  ///
  /// Errors: `.usage` that lists the names.
  public init(named name: String) throws(EngineError) {
    guard let found = Self.all.first(where: { $0.name == name }) else {
      throw EngineError(
        .usage, "no activation function of this name",
        expected: Self.all.map(\.name).joined(separator: ", "), received: "'\(name)'")
    }
    self = found
  }
}

/// The largest `tau` for which `sum(max(x - tau, 0)) = 1` is subtracted: found by sorting.
private func nearestDistribution(_ x: Tensor) throws -> Tensor {
  let n = x.shape[x.shape.rank - 1]
  // Which elements count is constant to gradients; how many there are, too.
  let (support, size) = try withoutGradient {
    let sorted = try x.detached().sorted(descending: true)
    let sums = try sorted.cumulativeSum()
    let places = try Tensor((1...max(n, 1)).map { Float($0) }).cast(to: x.dtype)
    let counts = try (sorted * places + 1).isGreater(than: sums).cast(to: x.dtype)
    let size = try counts.sum(axes: [-1], keepDims: true)
    let total = try (sorted * counts).sum(axes: [-1], keepDims: true)
    return (try x.detached().isGreater(than: (total - 1) / size).cast(to: x.dtype), size)
  }
  let tau = try ((x * support).sum(axes: [-1], keepDims: true) - 1) / size
  return try (x - tau) * support
}
