import Tensors
import Training

/// What a compiled network trains with: loss, metrics, optimiser, and the graphs of its steps.
public final class Trainer {
  /// How parameters are changed.
  public let rule: OptimizerRule
  /// One for all outputs, or one for each.
  public let losses: [LossFunction]
  /// Factors of the outputs' losses.
  public let lossWeights: [Double]
  /// What is measured beside the loss.
  public let metrics: [Metric]
  /// Whether steps run operator by operator instead of as one graph.
  public let isEager: Bool
  /// Threads of a step; nil for all there are.
  public let threads: Int?
  let schedule: Schedule?
  let groups: [Optimizer.Group]
  var optimizer: Optimizer?
  private var steps: [Entry<CompiledStep<Network>>] = []
  private var functions: [Entry<CompiledFunction<Network>>] = []
  private var hasConstraints = false
  /// Whether layers keep states of a batch of one size.
  private var isStateful = false

  /// What steps depend on besides batches: which parameters are trained, and the others' values.
  private struct Frozen: Equatable {
    var trained: [ObjectIdentifier] = []
    var values: [ObjectIdentifier] = []
  }
  private var frozen = Frozen()

  /// Looks at the model once before many steps: graphs of other parameters are given up.
  func begin(_ model: Network) {
    var now = Frozen()
    hasConstraints = false
    for p in model.parameters {
      if p.isTrainable {
        now.trained.append(ObjectIdentifier(p))
      } else {
        now.values.append(ObjectIdentifier(p.value.storage))
      }
      if p.constraint != nil { hasConstraints = true }
    }
    isStateful = model.modules.contains { ($0.module as? RNN)?.isStateful ?? false }
    if now != frozen {
      steps = []
      functions = []
      frozen = now
    }
  }

  /// Gives up all graphs, since layers behave otherwise now.
  func forgetSteps() {
    steps = []
    functions = []
  }

  init(
    _ rule: OptimizerRule, _ losses: [LossFunction], _ lossWeights: [Double],
    _ metrics: [Metric], schedule: Schedule?, groups: [Optimizer.Group], isEager: Bool,
    threads: Int?
  ) {
    self.rule = rule
    self.losses = losses
    self.lossWeights = lossWeights
    self.metrics = metrics
    self.schedule = schedule
    self.groups = groups
    self.isEager = isEager
    self.threads = threads
  }

  /// The optimiser, made when the model is built.
  func optimizer(for model: Network) throws -> Optimizer {
    if let optimizer { return optimizer }
    let made = try Optimizer(model, rule, schedule: schedule, groups: groups)
    optimizer = made
    return made
  }

  /// The loss of a batch, all terms together, and the model's outputs.
  func loss(_ model: Network, _ batch: Batch) throws -> (loss: Tensor, outputs: [Tensor]) {
    let (output, extra) = try collectingLosses { try model(masked: batch.inputs) }
    let outputs = output.values
    guard outputs.count == batch.targets.count, losses.count == 1 || losses.count == outputs.count
    else {
      throw EngineError(
        .arity, "targets and losses do not fit the model's outputs",
        expected: "a target for each of \(outputs.count), and as many losses or one",
        received: "\(batch.targets.count) targets, \(losses.count) losses")
    }
    var terms: [Tensor] = []
    for (i, y) in outputs.enumerated() {
      let function = losses.count == 1 ? losses[0] : losses[i]
      var weights = batch.weights
      if i == 0, let mask = output.mask, y.shape.rank > mask.shape.rank {
        // The mean is one over the steps that count.
        let kept = try mask.cast(to: y.dtype)
        let share = try kept / kept.mean()
        weights =
          try weights.map { w in
            try share * (w.shape.rank < mask.shape.rank ? w.expandDims(at: -1) : w)
          } ?? share
      }
      let term = try function(y, batch.targets[i], weights: weights)
      let factor = i < lossWeights.count ? lossWeights[i] : 1
      terms.append(factor == 1 ? term : try term * factor)
    }
    terms += extra
    terms += try model.penalties()
    let total = terms.count == 1 ? terms[0] : try sumOf(terms)
    return (total, outputs)
  }

  /// One step of training: the loss before it, and the outputs, in memory of the step's.
  func step(_ model: Network, _ batch: Batch) throws -> StepOutcome {
    let optimizer = try optimizer(for: model)
    if isEager {
      var outputs: [Tensor] = []
      let (value, gradients) = try valueAndGradient(of: model) { model in
        let r = try loss(model, batch)
        outputs = r.outputs.map { $0.detached() }
        return r.loss
      }
      try optimizer.update(gradients)
      try model.constrain()
      return StepOutcome(loss: try value.scalar(), results: outputs[...])
    }
    let all = batch.tensors
    let entry: Entry<CompiledStep<Network>>
    if let i = steps.indices.first(where: { steps[$0].fits(batch) }) {
      entry = steps[i]
    } else {
      var means: [BatchMean] = []
      let step = try CompiledStep(
        model, optimizer, example: all, symbols: symbols(all), threads: threads,
        withResults: { model, all in
          let part = batch.with(all)
          let r = try self.loss(model, part)
          let measured = try self.batchMeans(r.outputs, part)
          means = measured.means
          return (r.loss, r.outputs + measured.values)
        })
      entry = Entry(batch, means, step)
      steps.append(entry)
    }
    let r = try entry.run.step(all)
    if hasConstraints { try model.constrain() }
    return entry.outcome(r.loss, r.results)
  }

  /// Names of axes that vary: none where layers keep states of a batch.
  private func symbols(_ batch: [Tensor]) -> [[String?]]? {
    isStateful ? batch.map { _ in [] } : nil
  }

  /// The outputs for inputs, and the loss where there are targets; nothing is trained.
  func test(_ model: Network, _ batch: Batch) throws -> StepOutcome {
    let hasLoss = !batch.targets.isEmpty
    if isEager {
      return try inTraining(false) {
        try withoutGradient {
          if !hasLoss {
            return StepOutcome(loss: 0, results: try model(masked: batch.inputs).values[...])
          }
          let r = try loss(model, batch)
          return StepOutcome(loss: try r.loss.scalar(), results: r.outputs[...])
        }
      }
    }
    let all = batch.tensors
    let entry: Entry<CompiledFunction<Network>>
    if let known = functions.first(where: { $0.fits(batch) }) {
      entry = known
    } else {
      var means: [BatchMean] = []
      let function = try CompiledFunction(
        model, example: all, symbols: symbols(all), threads: threads
      ) { model, all in
        if !hasLoss { return try model(masked: all).values }
        let part = batch.with(all)
        let r = try self.loss(model, part)
        let measured = try self.batchMeans(r.outputs, part)
        means = measured.means
        return [r.loss] + r.outputs + measured.values
      }
      entry = Entry(batch, means, function)
      functions.append(entry)
    }
    let results = try entry.run(all, lending: true)
    return hasLoss
      ? entry.outcome(try results[0].scalar(), results.dropFirst())
      : StepOutcome(loss: 0, results: results[...])
  }
}
