import Tensors
import Training

/// How a layer's parameters begin.
///
/// ```swift
/// Dense(64, kernelInitializer: .heNormal)
/// Dense(64, biasInitializer: .constant(0.1))
/// ```
public struct Initializer: Sendable {
  /// How many inputs and outputs a weight connects.
  public struct Fans: Sendable {
    /// The inputs.
    public let inputs: Int
    /// The outputs.
    public let outputs: Int
    public init(_ inputs: Int, _ outputs: Int) {
      self.inputs = max(inputs, 1)
      self.outputs = max(outputs, 1)
    }
  }

  /// What it is called in logs and messages.
  public let name: String
  private let body: @Sendable ([Int], Fans, DType) throws(EngineError) -> Tensor

  public init(
    _ name: String, _ body: @escaping @Sendable ([Int], Fans, DType) throws(EngineError) -> Tensor
  ) {
    self.name = name
    self.body = body
  }

  /// A tensor to begin with. - `fans`: by default those of `[inputs, outputs]`.
  public func callAsFunction(
    _ sizes: [Int], fans: Fans? = nil, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let own = Fans(sizes.first ?? 1, sizes.last ?? 1)
    return try body(sizes, fans ?? own, dtype)
  }

  /// Every element 0.
  public static let zeros = constant(0)
  /// Every element 1.
  public static let ones = constant(1)
  /// Every element the same.
  public static func constant(_ value: Double) -> Initializer {
    Initializer("constant(\(value))") { sizes, _, dtype throws(EngineError) in
      try .full(sizes, value, dtype: dtype)
    }
  }
  /// Ones on the diagonal, times `gain`.
  public static func identity(gain: Double = 1) -> Initializer {
    Initializer("identity") { sizes, _, dtype throws(EngineError) in
      guard sizes.count == 2 else {
        throw EngineError(.shape, "an identity has two axes", received: "\(sizes)")
      }
      return try Tensor.identity(sizes[0], sizes[1], dtype: dtype) * gain
    }
  }
  /// Normal numbers.
  public static func normal(mean: Double = 0, deviation: Double = 0.05) -> Initializer {
    Initializer("normal") { sizes, _, dtype throws(EngineError) in
      try .normal(sizes, mean: mean, deviation: deviation, dtype: dtype)
    }
  }
  /// Normal, within two deviations.
  public static func truncatedNormal(mean: Double = 0, deviation: Double = 0.05) -> Initializer {
    Initializer("truncated_normal") { sizes, _, dtype throws(EngineError) in
      try .truncatedNormal(sizes, mean: mean, deviation: deviation, dtype: dtype)
    }
  }
  /// Numbers uniform in a range.
  public static func uniform(from low: Double = -0.05, to high: Double = 0.05) -> Initializer {
    Initializer("uniform") { sizes, _, dtype throws(EngineError) in
      try .uniform(sizes, from: low, to: high, dtype: dtype)
    }
  }
  /// A matrix with orthonormal rows or columns.
  public static func orthogonal(gain: Double = 1) -> Initializer {
    Initializer("orthogonal") { sizes, _, dtype throws(EngineError) in
      try .orthogonal(sizes, gain: gain, dtype: dtype)
    }
  }

  /// What the variance of `varianceScaling` is divided by.
  public enum FanMode: Sendable { case inputs, outputs, average }

  /// Variance `scale / fan`: uniform, or normal within two deviations. He et al. 2015.
  public static func varianceScaling(
    _ name: String = "variance_scaling", scale: Double, _ mode: FanMode, isUniform: Bool
  ) -> Initializer {
    Initializer(name) { sizes, fans, dtype throws(EngineError) in
      let fan =
        switch mode {
        case .inputs: Double(fans.inputs)
        case .outputs: Double(fans.outputs)
        case .average: Double(fans.inputs + fans.outputs) / 2
        }
      if isUniform {
        let bound = (3 * scale / fan).squareRoot()
        return try .uniform(sizes, from: -bound, to: bound, dtype: dtype)
      }
      // The deviation of a normal distribution cut off at two deviations.
      let deviation = (scale / fan).squareRoot() / 0.87962566103423978
      return try .truncatedNormal(sizes, deviation: deviation, dtype: dtype)
    }
  }
  /// Uniform, variance 2 / (inputs + outputs). Glorot and Bengio 2010.
  public static let glorotUniform = varianceScaling(
    "glorot_uniform", scale: 1, .average, isUniform: true)
  /// Normal, variance 2 / (inputs + outputs).
  public static let glorotNormal = varianceScaling(
    "glorot_normal", scale: 1, .average, isUniform: false)
  /// Uniform, variance 2 / inputs. He et al. 2015.
  public static let heUniform = varianceScaling("he_uniform", scale: 2, .inputs, isUniform: true)
  /// Normal, variance 2 / inputs.
  public static let heNormal = varianceScaling("he_normal", scale: 2, .inputs, isUniform: false)
  /// Uniform, variance 1 / inputs.
  public static let lecunUniform = varianceScaling(
    "lecun_uniform", scale: 1, .inputs, isUniform: true)
  /// Normal, variance 1 / inputs.
  public static let lecunNormal = varianceScaling(
    "lecun_normal", scale: 1, .inputs, isUniform: false)
}
