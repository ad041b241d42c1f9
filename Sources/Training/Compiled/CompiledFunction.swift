import Graphs
import Runtime
import Tensors

/// A function of a model as a static graph, run with the parameters as they are at each call.
///
/// Captured once, as a `CompiledStep` is, with the same refusals. Nothing is derived.
///
/// ```swift
/// let predict = try CompiledFunction(model, example: [x]) { model, batch in [try model(batch[0])]
/// } let y = try predict([x])[0]
/// ```
public final class CompiledFunction<M: Module> {
  public let model: M
  private let function: CapturedFunction

  /// - `isTraining`: whether modules behave as in training.
  /// - `example`, `symbols`, `threads`: as for `CompiledStep`.
  /// - Errors: those of `CompiledStep`.
  public init(
    _ model: M, example: [Tensor], symbols: [[String?]]? = nil, isTraining: Bool = false,
    threads: Int? = nil, planLimit: Int = 64, file: StaticString = #fileID, line: UInt = #line,
    _ body: (M, [Tensor]) throws -> [Tensor]
  ) throws {
    self.model = model
    function = try CapturedFunction(
      model, model.parameters, example: example, symbols: symbols, threads: threads,
      planLimit: planLimit, isTraining: isTraining, hasGradients: false, file, line
    ) { batch in try body(model, batch) }
  }

  /// The results for a batch, in memory that the next call writes again where `lending`.
  ///
  /// Errors: `.shape` and `.dtype` for a batch that does not fit the example; `.value`.
  public func callAsFunction(
    _ batch: [Tensor], lending: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws -> [Tensor] {
    let results = try function.run(batch, file, line).results
    return lending ? results : try results.map { (t) throws(EngineError) in try t.owned() }
  }

  /// The graph that runs, as the compiler left it.
  public var graph: Graph { function.session.compiledGraph }
}
