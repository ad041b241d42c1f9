import Graphs
import Operators
import Runtime
import Tensors

/// A training step as a static graph: forward and backward optimised and run with planned memory,
/// then the optimiser in one pass over its blocks.
///
/// The loss is captured once, with the sizes that vary left symbolic; other sizes cost a plan, not
/// a compilation. Swift code in it runs during the capture only. A function that reads a value
/// (`scalar`, `isTrue`), and one whose graph differs between two captures of different sizes and
/// values, is refused: nothing is baked in silently.
///
/// ```swift
/// let step = try CompiledStep(model, optimizer, example: [x, y]) { model, batch in
///   try Loss.meanSquared(model(batch[0]), batch[1])
/// }
/// for batch in batches { let loss = try step([batch.x, batch.y]) }
/// ```
///
/// - Eager and compiled steps give the same numbers where the compiler chooses the same kernels;
///   fused kernels round otherwise.
public final class CompiledStep<M: Module> {
  public let model: M
  public let optimizer: Optimizer
  private let session: Session
  private let parameters: [Parameter]
  private let states: [StateTensor]
  /// Places of the states that the step changes.
  private let changed: [Int]
  private let batchCount: Int
  private var plans: [StepPlan] = []
  /// Plans kept, one for each set of sizes.
  private let planLimit: Int

  /// - `example`: a batch, as the step gets them. - `symbols`: for each tensor of the batch names
  ///   of the axes that vary, nil for those that do not; by default the first axis of each is
  ///   `batch`. - `threads`: nil for all there are.
  /// - Errors: `.usage` for functions that cannot be captured, with the line of what reads a value;
  ///   what `loss` throws; those of `Session`.
  public init(
    _ model: M, _ optimizer: Optimizer, example: [Tensor], symbols: [[String?]]? = nil,
    threads: Int? = nil, planLimit: Int = 64, file: StaticString = #fileID, line: UInt = #line,
    loss: (M, [Tensor]) throws -> Tensor
  ) throws {
    self.model = model
    self.optimizer = optimizer
    self.planLimit = planLimit
    batchCount = example.count
    parameters = model.trainableParameters
    states = model.states
    let names = symbols ?? example.map { $0.shape.rank > 0 ? ["batch"] : [] }
    func function(_ batch: [Tensor]) throws -> Tensor { try loss(model, batch) }
    let (graph, changed) = try located(file, line) {
      let one = try StepCapture(model, example, names, function)
      let two = try StepCapture(model, try resized(example, names, by: 1), names, function)
      try GraphComparison(first: one.graph, second: two.graph).check()
      return (try one.withGradients(), one.changedStates)
    }
    self.changed = changed
    var made = ModelGraph(graph)
    made.opsets = [("", 23), ("ai.onnx.preview.training", 1), ("ai.dlrun", 1)]
    session = try Session(made, options: SessionOptions(threads: threads))
  }

  /// One step: the loss before it, the parameters updated.
  ///
  /// Errors: `.shape` and `.dtype` for a batch that does not fit the example; `.value` for data out
  /// of range, such as a class number.
  @discardableResult
  public func callAsFunction(
    _ batch: [Tensor], file: StaticString = #fileID, line: UInt = #line
  ) throws -> Double {
    let plan = try run(batch, file, line)
    try optimizer.update(plan.gradients, file: file, line: line)
    return try plan.loss.detached().scalar()
  }

  /// The loss and its gradients, no parameter changed.
  public func valueAndGradient(
    _ batch: [Tensor], file: StaticString = #fileID, line: UInt = #line
  ) throws -> (value: Double, gradients: Gradients) {
    let plan = try run(batch, file, line)
    // The plan's memory is written again by the next step.
    let copies = try plan.gradients.map { g in
      try Tensor(g.type) { (bytes) throws(EngineError) in
        g.withUnsafeBytes { bytes.copyMemory(from: $0) }
      }
    }
    return (try plan.loss.detached().scalar(), copies)
  }

  private func run(_ batch: [Tensor], _ file: StaticString, _ line: UInt) throws -> StepPlan {
    try located(file, line) {
      guard batch.count == batchCount else {
        throw EngineError(
          .arity, "a batch of the wrong number of tensors", expected: "\(batchCount)",
          received: "\(batch.count)")
      }
      let inputs = batch + parameters.map(\.value) + states.map(\.value)
      let plan = try self.plan(inputs)
      try plan.run(inputs)
      for (k, i) in changed.enumerated() { states[i].value = try plan.stateCopy(k) }
      return plan
    }
  }

  /// The plan for inputs of these types, the latest first.
  private func plan(_ inputs: [Tensor]) throws -> StepPlan {
    if let i = plans.firstIndex(where: { $0.fits(inputs) }) {
      if i > 0 { plans.insert(plans.remove(at: i), at: 0) }
      return plans[0]
    }
    let made = try StepPlan(session, inputs, parameters, states: changed.count)
    plans.insert(made, at: 0)
    if plans.count > planLimit { plans.removeLast() }
    return made
  }

  /// The graph that runs, as the compiler left it.
  public var graph: Graph { session.compiledGraph }
}

/// The batch with more slices along the axes that vary, its own over and over: `step` more along
/// those of the first name, one more for each further name.
func resized(_ batch: [Tensor], _ names: [[String?]], by step: Int) throws -> [Tensor] {
  var order: [String] = []
  for list in names { for case let n? in list where !order.contains(n) { order.append(n) } }
  return try zip(batch, names).map { (t, list) in
    var result = t
    for (axis, name) in list.enumerated() {
      guard let name, let place = order.firstIndex(of: name), axis < t.shape.rank else { continue }
      let n = t.shape[axis]
      guard n > 0 else { continue }
      let rows = try Tensor((0..<n + step + place).map { Int64(($0 + 1) % n) })
      result = try withoutGradient { try result.gather(rows, axis: axis) }
    }
    return result
  }
}
