import Graphs
import Operators
import Runtime
import Tensors

/// A function of a model and a batch, captured once and run as a static graph, with a plan for each
/// set of sizes. What compiled steps and compiled functions share.
final class CapturedFunction {
  let session: Session
  private let parameters: [Parameter]
  private let states: [StateTensor]
  /// Places of the states that the function changes.
  private let changed: [Int]
  private let batchCount: Int
  private let resultCount: Int
  private let hasGradients: Bool
  private let randomCalls: Int
  private var plans: [StepPlan] = []
  /// Plans kept, one for each set of sizes.
  private let planLimit: Int

  init(
    _ model: Module, _ parameters: [Parameter], example: [Tensor], symbols: [[String?]]?,
    threads: Int?, planLimit: Int, isTraining: Bool, hasGradients: Bool, _ file: StaticString,
    _ line: UInt, _ function: ([Tensor]) throws -> [Tensor]
  ) throws {
    self.planLimit = planLimit
    self.parameters = parameters
    self.hasGradients = hasGradients
    batchCount = example.count
    states = model.states
    let names = symbols ?? example.map { $0.shape.rank > 0 ? ["batch"] : [] }
    var count = 0
    func counted(_ batch: [Tensor]) throws -> [Tensor] {
      let results = try function(batch)
      count = results.count
      return results
    }
    let (graph, changed, calls) = try located(file, line) {
      let one = try StepCapture(
        model, parameters, example, names, isTraining: isTraining, isLoss: hasGradients, counted)
      let two = try StepCapture(
        model, parameters, try resized(example, names, by: 1), names, isTraining: isTraining,
        isLoss: hasGradients, counted)
      try GraphComparison(first: one.graph, second: two.graph).check()
      return (
        hasGradients ? try one.withGradients() : one.graph, one.changedStates, one.randomCalls
      )
    }
    resultCount = count
    self.changed = changed
    randomCalls = calls
    var made = ModelGraph(graph)
    made.opsets = [("", 23), ("ai.onnx.preview.training", 1), ("ai.dlrun", 1)]
    session = try Session(made, options: SessionOptions(threads: threads))
  }

  /// Runs on a batch: states are updated, results lie in the plan.
  func run(_ batch: [Tensor], _ file: StaticString, _ line: UInt) throws -> StepPlan {
    try located(file, line) {
      guard batch.count == batchCount else {
        throw EngineError(
          .arity, "a batch of the wrong number of tensors", expected: "\(batchCount)",
          received: "\(batch.count)")
      }
      var inputs = batch + parameters.map(\.value) + states.map(\.value)
      if randomCalls > 0 {
        let context = TapeContext.current
        inputs.append(
          try RandomStream(key: context.random.seed, call: context.random.calls).state())
        context.random.calls &+= UInt64(randomCalls)
      }
      let plan = try self.plan(inputs)
      try plan.run(inputs)
      for (k, i) in changed.enumerated() { states[i].value = try plan.stateCopy(k) }
      return plan
    }
  }

  /// The plan for inputs of these types, the latest first.
  private func plan(_ inputs: [Tensor]) throws -> StepPlan {
    if let i = plans.firstIndex(where: { $0.fits(inputs) }) {
      if i > 0 {
        plans[0].lendMemory()
        plans.insert(plans.remove(at: i), at: 0)
      }
      return plans[0]
    }
    plans.first?.lendMemory()
    let made = try StepPlan(
      session, inputs, results: resultCount, gradients: hasGradients ? parameters.count : 0,
      states: changed.count, sharing: plans.first)
    plans.insert(made, at: 0)
    if plans.count > planLimit { plans.removeLast() }
    return made
  }
}
