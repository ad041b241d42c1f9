import Kernels
import Tensors

/// What `evaluate` sees: values, and what it needs to make more.
public struct Evaluation {
  public let inputs: [Value?]
  /// Values that the node's subgraphs capture, in the node's order.
  public let captured: [Value?]
  public let outputCount: Int
  public let pool: ThreadPool
  public let options: KernelOptions
  public let runner: (any GraphRunner)?

  public init(
    inputs: [Value?], captured: [Value?] = [], outputCount: Int = 1, pool: ThreadPool = .single,
    options: KernelOptions = .init(), runner: (any GraphRunner)? = nil
  ) {
    self.inputs = inputs
    self.captured = captured
    self.outputCount = outputCount
    self.pool = pool
    self.options = options
    self.runner = runner
  }

  public func has(_ i: Int) -> Bool { i < inputs.count && inputs[i] != nil }
  public func value(_ i: Int) throws(EngineError) -> Value {
    guard i < inputs.count, let v = inputs[i] else {
      throw EngineError(.arity, "input \(i) is missing")
    }
    return v
  }
  public func tensor(_ i: Int) throws(EngineError) -> Tensor { try value(i).asTensor() }
  public func optionalTensor(_ i: Int) throws(EngineError) -> Tensor? {
    has(i) ? try tensor(i) : nil
  }
  /// Uninitialised memory for a result, within the session's budget.
  ///
  /// Errors: `.budget` when the budget or the system's memory does not allow it.
  public func allocate(_ type: TensorType) throws(EngineError) -> Storage {
    if let runner { try runner.allocate(type) } else { try Storage(type) }
  }
  /// Runs another operator with the same pool and budget.
  public func run(
    _ op: any Operator, _ inputs: [Value?], outputs: Int = 1
  ) throws(EngineError) -> [Value?] {
    try Eager(pool: pool, options: options).evaluate(op, inputs, outputs: outputs, runner: runner)
  }
}

/// Runs the graphs that If, Loop and Scan hold. The runtime supplies it.
public protocol GraphRunner {
  func run(
    _ graph: Subgraph, inputs: [Value?], captured: [Value?]
  ) throws(EngineError) -> [Value?]
  /// The graph bound for inputs of these types and these captured values, which stay alive as long
  /// as it is used; nil where some of it must run on values: containers, strings, sizes that
  /// depend on data.
  func bind(
    _ graph: Subgraph, inputs: [TensorType], captured: [Value?]
  ) throws(EngineError) -> (any BoundGraph)?
  /// Accounts for memory about to be taken, of strings for instance.
  ///
  /// Errors: `.budget` when it exceeds what the session may use.
  func reserve(bytes: Int) throws(EngineError)
  /// Uninitialised memory for a result.
  ///
  /// Errors: `.budget` when it exceeds what the session may use, or what there is.
  func allocate(_ type: TensorType) throws(EngineError) -> Storage
  /// Errors: `.cancelled` or `.deadline` when the run should end.
  func checkCancellation() throws(EngineError)
}
