import Kernels
import Tensors

/// How parameters are updated by gradients, with its settings: what an `Optimizer` applies.
///
/// Made by the functions of `OptimizerRule.keras` and `OptimizerRule.torch`, which have these
/// libraries' formulas and defaults, since the two differ in more than defaults.
public struct OptimizerRule: Sendable {
  /// What a step knows beside parameters and gradients.
  public struct Step: Sendable {
    /// From 1.
    public var number: Int
    public var learningRate: Double
    /// Numbers that the rule carries from step to step.
    public var memory: [Double]
  }

  /// How the update is computed.
  enum Form: Sendable {
    /// Each element by itself, in one pass of a kernel, with coefficients from 2 on.
    case elements(StepRule, @Sendable (inout Step, inout InlineArray<12, Double>) -> Void)
    /// A tensor as a whole: the new parameter from parameter, gradient and states.
    case tensors(
      states: @Sendable (Tensor) throws -> [Tensor],
      @Sendable (Tensor, Tensor, inout [Tensor], Step) throws -> Tensor)
  }

  public let name: String
  public var learningRate: Double
  public var weightDecay: Double
  /// Whether weight decay shrinks parameters by themselves, and not through the gradient.
  public let isDecayDecoupled: Bool
  /// The settings, for printing and for files.
  public let settings: [(name: String, value: Double)]
  /// What states begin with; nil where a state begins as the parameter.
  let initialStates: [Double?]
  let initialMemory: [Double]
  let form: Form

  init(
    _ name: String, learningRate: Double, weightDecay: Double, decoupled: Bool,
    settings: [(name: String, value: Double)], initialStates: [Double?] = [0, 0, 0],
    initialMemory: [Double] = [], _ form: Form
  ) {
    self.name = name
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    isDecayDecoupled = decoupled
    self.settings = settings
    self.initialStates = initialStates
    self.initialMemory = initialMemory
    self.form = form
  }

  /// The rules as Keras 3 has them.
  public static let keras = KerasRules()
  /// The rules as PyTorch has them.
  public static let torch = TorchRules()
}

/// Optimisers with the formulas and defaults of Keras 3.15 (`keras/src/optimizers`). Weight decay
/// is decoupled in all.
public struct KerasRules: Sendable {}

/// Optimisers with the formulas and defaults of PyTorch 2.13 (`torch.optim`). Weight decay goes
/// through the gradient, but in AdamW, Adafactor and Muon.
public struct TorchRules: Sendable {}
