import Tensors
import Training

/// A linear map of the last axis: `activation(x kernel + bias)`.
///
/// - Input: `[N, ..., inputs]`. Output: `[N, ..., units]`.
/// - Parameters: `kernel` `[inputs, units]`, `bias` `[units]`.
/// - Errors: `.attribute` for no units; `.shape` where the last axis is not known.
/// - Source: Keras 3 Dense.
public final class Dense: Layer {
  /// The size of the output.
  public let units: Int
  /// What is applied to the result.
  public let activation: ActivationFunction
  /// Weights of the input.
  public let kernel = Parameter.pending()
  /// Added to the result; nil without.
  public let bias: Parameter?
  private let kernelInitializer: Initializer
  private let biasInitializer: Initializer
  private let kernelRegularizer: Regularizer?
  private let biasRegularizer: Regularizer?
  private let kernelConstraint: Constraint?

  public init(
    _ units: Int, activation: ActivationFunction = .linear, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
    kernelRegularizer: Regularizer? = nil, biasRegularizer: Regularizer? = nil,
    kernelConstraint: Constraint? = nil
  ) {
    self.units = units
    self.activation = activation
    bias = useBias ? .pending() : nil
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.kernelRegularizer = kernelRegularizer
    self.biasRegularizer = biasRegularizer
    self.kernelConstraint = kernelConstraint
    super.init()
  }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(units, "the number of units")
    try expect(shape, rank: 2...Shape.maxRank)
    try start(
      kernel, [try size(of: shape, -1), units], kernelInitializer, regularizer: kernelRegularizer,
      constraint: kernelConstraint)
    if let bias { try start(bias, [units], biasInitializer, regularizer: biasRegularizer) }
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    try expect(shape, rank: 2...Shape.maxRank)
    try expect(shape, axis: -1, size: kernel.value.shape[0])
    var result = shape
    result[-1] = units
    return result
  }

  public override var passesMask: Bool { true }

  public override func forward(_ x: Tensor) throws -> Tensor {
    try activation(x.linear(kernel.value, bias?.value))
  }

  public override var configuration: [(name: String, value: String)] {
    [("units", "\(units)"), ("activation", activation.name)]
  }
}
