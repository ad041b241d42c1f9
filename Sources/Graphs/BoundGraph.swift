import Tensors

/// A graph whose plan is settled and whose inputs and outputs lie where its user says, so that
/// running it again costs its kernels and nothing else. The bodies of loops run so.
///
/// Not for several threads at once.
public protocol BoundGraph: AnyObject {
  /// Types of the outputs, in order.
  var outputTypes: [TensorType] { get }
  /// The input whose bytes output `i` has unchanged; nil for an output that is made.
  func source(ofOutput i: Int) -> Int?
  /// Reads input `i` from `bytes` from now on.
  func bindInput(_ i: Int, _ bytes: UnsafeMutableRawPointer)
  /// Writes output `i` to `bytes` from now on; nil where nobody wants it. Must overlap no input.
  func bindOutput(_ i: Int, _ bytes: UnsafeMutableRawPointer?)
  /// Runs once. All inputs must be bound.
  func run() throws(EngineError)
}

extension GraphRunner {
  /// A runner without plans binds nothing.
  public func bind(
    _ graph: Subgraph, inputs: [TensorType], captured: [Value?]
  ) throws(EngineError) -> (any BoundGraph)? { nil }

  /// The system's memory, within the budget.
  public func allocate(_ type: TensorType) throws(EngineError) -> Storage {
    try reserve(bytes: type.byteCount)
    return try Storage(type)
  }
}
