import Kernels
import Tensors

/// A function from values to values. The conforming struct's stored fields are its attributes,
/// and nothing else.
///
/// An author writes the schema, `init(reading:)`, `attributes`, `infer` and either `prepare` or
/// `evaluate` (both where some dtypes need the one and some the other), and `gradient` where the
/// schema says the operator is differentiable.
public protocol Operator: Hashable, Sendable {
  static var schema: Schema { get }

  /// Decodes and validates a node's attributes, once.
  ///
  /// Errors: `.attribute` with the name, what was expected and received.
  init(reading a: AttributeReader) throws(EngineError)

  /// The attributes as a file carries them: what `init(reading:)` reads back to an equal value,
  /// in the newest version of the operator.
  var attributes: [Attribute] { get }

  /// What is known of the results, given what is known of the inputs, or why the inputs are not
  /// legal. Survives unknown dtypes, ranks and sizes. With all sizes known (and the values of
  /// shape inputs) the results have all sizes known, unless they depend on data.
  func infer(_ c: Inference) throws(EngineError) -> [Fact]

  /// Everything that can be settled before the first run: validation, packing, choice of kernel.
  /// All sizes are known here. Must not be called twice for one use: it may cost.
  func prepare(_ p: Preparation) throws(EngineError) -> Prepared

  /// Runs at once where `prepare` said `.dynamic`: strings, containers, subgraphs, and results
  /// whose sizes depend on data.
  func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?]

  /// The results, where they take so little that preparing for these sizes would cost more; nil
  /// elsewhere, and wherever inputs are not legal. Asked in every run of a node whose sizes depend
  /// on data.
  func atOnce(_ e: Evaluation) throws(EngineError) -> [Value?]?

  /// Multiplications paired with additions in one run, symbolic where sizes are: for reports.
  ///
  /// 0 for operators that do none worth counting, nil where the sizes are not known. A nil input
  /// or output is absent or of unknown rank.
  func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim?

  /// Writes the vector-Jacobian product with the operators of `b`.
  func gradient<B: Builder>(_ b: B, _ g: inout Backward<B.Value>) throws(EngineError)

  /// Adds this operator to what `b` builds. Composites build their expansion instead.
  func build<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value>

  // The generic rules again for each builder. The extension fills these in, so the witness of
  // every conformance holds a specialised copy, and `any Operator` reaches specialised code.
  func gradientEagerly(_ b: Eager, _ g: inout Backward<Tensor>) throws(EngineError)
  func gradientIntoGraph(_ b: GraphBuilder, _ g: inout Backward<ValueID>) throws(EngineError)
}

extension Operator {
  public var attributes: [Attribute] { [] }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .dynamic }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    throw EngineError(
      .dtype, "no kernel for these inputs",
      received: e.inputs.map { describe($0) }.joined(separator: ", "))
  }

  public func atOnce(_ e: Evaluation) throws(EngineError) -> [Value?]? { nil }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? { 0 }

  @inlinable public func build<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> { try b.call(self, inputs, outputs: outputs) }

  @inlinable public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw EngineError(
      .notDifferentiable, "the operator has no gradient",
      subject: .init(operatorName: Self.schema.name))
  }

  @inlinable public func gradientEagerly(
    _ b: Eager, _ g: inout Backward<Tensor>
  ) throws(EngineError) { try gradient(b, &g) }

  @inlinable public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) { try gradient(b, &g) }
}

/// An operator that is a formula over others: shapes, kernel and gradient follow from it.
public protocol CompositeOperator: Operator {
  func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value>
}

/// A composite with a kernel of its own, which sessions run; the expansion is its oracle, and what
/// it is saved as.
public protocol KernelComposite: CompositeOperator {}

extension CompositeOperator {
  @inlinable public func build<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> { try expand(b, inputs, outputs: outputs) }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var tensors: [Tensor?] = []
    for input in e.inputs { tensors.append(try input?.asTensor()) }
    let results = try expand(
      Eager(pool: e.pool, options: e.options), Few(tensors), outputs: e.outputCount)
    return results.array.map { .tensor($0) }
  }
}

func describe(_ value: Value?) -> String {
  switch value {
  case nil: "none"
  case .tensor(let t)?: "\(t.type)"
  case let other?: other.kind
  }
}
