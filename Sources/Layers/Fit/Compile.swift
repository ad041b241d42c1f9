import Tensors
import Training

extension Network {
  /// Says how the model is trained. Called again, it begins anew, with a new optimiser.
  ///
  /// - `loss`: for models of several outputs, one for all, or `losses` with one for each.
  /// - `lossWeights`: factors of the outputs' losses, 1 where none are given.
  /// - `schedule`: learning rates by step, instead of the rule's. - `groups`: parameters with
  ///   settings of their own, by pattern.
  /// - `eager`: whether each operator runs by itself, so that a debugger can stop between them;
  ///   otherwise a step is one compiled graph with planned memory. The numbers are the same.
  public func compile(
    optimizer: OptimizerRule, loss: LossFunction, metrics: [Metric] = [],
    lossWeights: [Double] = [], schedule: Schedule? = nil, groups: [Optimizer.Group] = [],
    eager: Bool = false, threads: Int? = nil
  ) {
    compile(
      optimizer: optimizer, losses: [loss], metrics: metrics, lossWeights: lossWeights,
      schedule: schedule, groups: groups, eager: eager, threads: threads)
  }

  /// The same with one loss for each output.
  public func compile(
    optimizer: OptimizerRule, losses: [LossFunction], metrics: [Metric] = [],
    lossWeights: [Double] = [], schedule: Schedule? = nil, groups: [Optimizer.Group] = [],
    eager: Bool = false, threads: Int? = nil
  ) {
    trainer = Trainer(
      optimizer, losses, lossWeights, metrics, schedule: schedule, groups: groups, isEager: eager,
      threads: threads)
  }

  /// The optimiser; nil before the first step.
  public var optimizer: Optimizer? { trainer?.optimizer }

  /// The learning rate of the next step. Set, it holds for all further steps, whatever the
  /// schedule.
  public var learningRate: Double {
    get { optimizer?.learningRate ?? trainer?.rule.learningRate ?? 0 }
    set { optimizer?.schedule = .constant(newValue) }
  }

  func compiled() throws(EngineError) -> Trainer {
    if let trainer { return trainer }
    throw EngineError(
      .usage, "the model is not compiled", expected: "compile(optimizer:loss:) before training")
  }

  /// Builds the model for a batch's inputs.
  func build(for inputs: [Tensor]) throws(EngineError) {
    guard inputShapes == nil else { return }
    try prepare(
      for: inputs.map { x in LayerShape(batchOf: x.shape.array.dropFirst().map { Optional($0) }) })
  }
}
