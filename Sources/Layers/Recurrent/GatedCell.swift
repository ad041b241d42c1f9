import Tensors
import Training

/// What the cells of SimpleRNN, LSTM and GRU share: weights in the layout of ONNX's operators.
///
/// - Parameters: `kernel` `[gates units, inputs]`, `recurrent` `[gates units, units]`, `bias`
///   `[gates units]`, and with `hasTwoBiases` `recurrentBias` of the same size.
///   Keras has the first two turned.
public class GatedCell: RecurrentCell {
  /// The size of the output.
  public let units: Int
  /// What is applied to the result.
  public let activation: ActivationFunction
  /// What is applied to gates.
  public let recurrentActivation: ActivationFunction
  /// The share of the state that is dropped.
  public let recurrentDropout: Double
  /// Weights of the input.
  public let kernel = Parameter.pending()
  /// Weights of the state.
  public let recurrent = Parameter.pending()
  /// Added to the result; nil without.
  public let bias: Parameter?
  /// A second bias, added to the product with the state; nil without.
  public let recurrentBias: Parameter?
  private let kernelInitializer: Initializer
  private let recurrentInitializer: Initializer
  private let gates: Int
  /// What the last state is multiplied by where it meets weights; nil for nothing.
  private var stateMask: Tensor?

  init(
    _ units: Int, gates: Int, activation: ActivationFunction,
    recurrentActivation: ActivationFunction, useBias: Bool, hasTwoBiases: Bool,
    recurrentDropout: Double, kernelInitializer: Initializer, recurrentInitializer: Initializer
  ) {
    self.units = units
    self.gates = gates
    self.activation = activation
    self.recurrentActivation = recurrentActivation
    self.recurrentDropout = recurrentDropout
    self.kernelInitializer = kernelInitializer
    self.recurrentInitializer = recurrentInitializer
    bias = useBias ? .pending() : nil
    recurrentBias = useBias && hasTwoBiases ? .pending() : nil
    super.init()
  }

  public override var stateSizes: [Int] { [units] }
  public override var outputSize: Int { units }

  /// The bias to begin with.
  func initialBias() throws(EngineError) -> Tensor { try .zeros([gates * units], dtype: dtype) }

  public override func build(_ shape: LayerShape) throws(EngineError) {
    try checked(units, "the number of units")
    try checked(rate: recurrentDropout)
    let inputs = try size(of: shape, -1)
    try start(
      kernel, [gates * units, inputs], kernelInitializer, fans: .init(inputs, gates * units))
    try start(
      recurrent, [gates * units, units], recurrentInitializer, fans: .init(units, gates * units))
    bias?.value = try initialBias()
    recurrentBias?.value = try .zeros([gates * units], dtype: dtype)
  }
  public override func build(all shapes: [LayerShape]) throws(EngineError) {
    try expect(shapes, count: 1...Int.max)
    try build(shapes[0])
  }

  public override func begin(_ x: Tensor) throws {
    stateMask =
      isTraining && recurrentDropout > 0
      ? try x.detached().filledBatch([units], 1).dropoutMask(recurrentDropout) : nil
  }

  /// The state as recurrent weights see it.
  func dropped(_ h: Tensor) throws -> Tensor {
    guard let stateMask, isTraining else { return h }
    return try h * stateMask
  }

  /// The bias of the operators: that of the input before that of the state.
  func wholeBias() throws -> Tensor? {
    guard let bias else { return nil }
    let second = try recurrentBias?.value ?? .zeros([gates * units], dtype: dtype)
    return try concat([bias.value, second]).expandDims(at: 0)
  }

  /// Whether the operators have these activation functions.
  var isStandard: Bool {
    recurrentActivation.name == "sigmoid" && activation.name == "tanh"
      && (recurrentDropout == 0 || !isTraining)
  }

  /// All steps at once by an operator; nil where it lacks what the cell has.
  func fused(
    _ x: Tensor, _ states: [Tensor], _ direction: SequenceDirection
  ) throws -> SequenceResult? { nil }
}
