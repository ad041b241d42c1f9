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
  private let function: CapturedFunction
  private let parameters: [Parameter]

  /// - `example`: a batch, as the step gets them. - `symbols`: for each tensor of the batch names
  ///   of the axes that vary, nil for those that do not; by default the first axis of each is
  ///   `batch`. - `threads`: nil for all there are.
  /// - Errors: `.usage` for functions that cannot be captured, with the line of what reads a value;
  ///   what `loss` throws; those of `Session`.
  public convenience init(
    _ model: M, _ optimizer: Optimizer, example: [Tensor], symbols: [[String?]]? = nil,
    threads: Int? = nil, planLimit: Int = 64, file: StaticString = #fileID, line: UInt = #line,
    loss: (M, [Tensor]) throws -> Tensor
  ) throws {
    try self.init(
      model, optimizer, example: example, symbols: symbols, threads: threads,
      planLimit: planLimit, file: file, line: line,
      withResults: { model, batch in (try loss(model, batch), []) })
  }

  /// The same with results beside the loss, such as predictions to be measured.
  public init(
    _ model: M, _ optimizer: Optimizer, example: [Tensor], symbols: [[String?]]? = nil,
    threads: Int? = nil, planLimit: Int = 64, file: StaticString = #fileID, line: UInt = #line,
    withResults body: (M, [Tensor]) throws -> (loss: Tensor, results: [Tensor])
  ) throws {
    self.model = model
    self.optimizer = optimizer
    parameters = model.trainableParameters
    guard !parameters.isEmpty else {
      throw located(
        EngineError(
          .usage, "the model has nothing to train", expected: "a trainable parameter"), file, line)
    }
    function = try CapturedFunction(
      model, parameters, example: example, symbols: symbols, threads: threads,
      planLimit: planLimit, isTraining: true, hasGradients: true, file, line
    ) { batch in
      let (loss, results) = try body(model, batch)
      return [loss] + results
    }
  }

  /// One step: the loss before it, the parameters updated.
  ///
  /// Errors: `.shape` and `.dtype` for a batch that does not fit the example; `.value` for data out
  /// of range, such as a class number.
  @discardableResult
  public func callAsFunction(
    _ batch: [Tensor], file: StaticString = #fileID, line: UInt = #line
  ) throws -> Double { try step(batch, file: file, line: line).loss }

  /// One step with the results beside the loss, in memory that the next step writes again.
  public func step(
    _ batch: [Tensor], file: StaticString = #fileID, line: UInt = #line
  ) throws -> (loss: Double, results: ArraySlice<Tensor>) {
    let plan = try function.run(batch, file, line)
    try optimizer.update(Gradients(parameters, plan.gradients), file: file, line: line)
    return (try plan.results[0].scalar(), plan.results.dropFirst())
  }

  /// The loss and its gradients, no parameter changed.
  public func valueAndGradient(
    _ batch: [Tensor], file: StaticString = #fileID, line: UInt = #line
  ) throws -> (value: Double, gradients: Gradients) {
    let plan = try function.run(batch, file, line)
    // The plan's memory is written again by the next step.
    let copies = try plan.gradients.map { (g) throws(EngineError) in try g.owned() }
    return (try plan.results[0].scalar(), Gradients(parameters, copies))
  }

  /// The graph that runs, as the compiler left it.
  public var graph: Graph { function.session.compiledGraph }
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
