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

/// What `infer` sees of one use of an operator.
public struct Inference {
  public let inputs: [Fact?]
  public let outputCount: Int
  /// Infers the outputs of a subgraph from facts of its inputs and of what it captures.
  public typealias Subgraph = (
    _ graph: Graph, _ inputs: [Fact?], _ captured: [Fact?]
  ) throws(EngineError) -> [Fact]
  public let subgraph: Subgraph
  /// Facts of the values that the node's subgraphs capture, in the node's order.
  public let captured: [Fact?]
  let fresh: Fresh

  final class Fresh { var next = 0 }

  public init(
    inputs: [Fact?], outputCount: Int = 1, captured: [Fact?] = [],
    subgraph: @escaping Subgraph = { (g, _, _) throws(EngineError) in
      g.outputs.map { g.values[$0.index].fact }
    }
  ) {
    self.init(
      inputs: inputs, outputCount: outputCount, captured: captured, fresh: Fresh(),
      subgraph: subgraph)
  }
  init(
    inputs: [Fact?], outputCount: Int, captured: [Fact?], fresh: Fresh, subgraph: @escaping Subgraph
  ) {
    self.inputs = inputs
    self.outputCount = outputCount
    self.captured = captured
    self.fresh = fresh
    self.subgraph = subgraph
  }

  /// Whether optional input `i` is given.
  public func has(_ i: Int) -> Bool { i < inputs.count && inputs[i] != nil }
  public func fact(_ i: Int) -> Fact? { i < inputs.count ? inputs[i] : nil }
  public func dtype(_ i: Int) -> DType? { fact(i)?.dtype }
  /// Sizes of input `i`; nil where the rank is unknown.
  public func dims(_ i: Int) -> [Dim]? { fact(i)?.dims }
  public func rank(_ i: Int) -> Int? { fact(i)?.rank }
  /// Elements of a small integer input, some perhaps symbolic; nil where unknown.
  public func elements(_ i: Int) -> [Dim]? { fact(i)?.elements }
  /// Elements of a small integer input, where all are known numbers.
  public func ints(_ i: Int) -> [Int]? { fact(i)?.knownInts }
  /// The contents of input `i`, where known before the run.
  public func constant(_ i: Int) -> Tensor? { fact(i)?.constant }

  /// A size that nobody knows yet, different from every other.
  public func unknown() -> Dim {
    fresh.next += 1
    return Dim(symbol: "unk__\(fresh.next)")
  }
  public func unknown(rank: Int) -> [Dim] { (0..<rank).map { _ in unknown() } }

  /// An axis attribute brought into `0..<rank`; nil where the rank is unknown.
  ///
  /// Errors: `.attribute` when it lies outside `-rank..<rank`.
  public func axis(_ axis: Int, rank: Int?, name: String = "axis") throws(EngineError) -> Int? {
    guard let rank else { return nil }
    return try normalisedAxis(axis, rank: rank, name: name)
  }
}

/// An axis brought into `0..<rank`.
///
/// Errors: `.attribute` when it lies outside `-rank..<rank`.
public func normalisedAxis(
  _ axis: Int, rank: Int, name: String = "axis"
) throws(EngineError) -> Int {
  guard axis >= -rank, axis < rank else {
    throw EngineError(
      .attribute, "\(name) is out of range", expected: "\(-rank) to \(rank - 1) for rank \(rank)",
      received: "\(axis)")
  }
  return axis < 0 ? axis + rank : axis
}

/// The sizes that `a` and `b` broadcast to, aligned at the last axis; nil where a rank is unknown.
///
/// Errors: `.shape` when two known sizes differ and neither is 1.
public func broadcast(_ a: [Dim]?, _ b: [Dim]?) throws(EngineError) -> [Dim]? {
  guard let a, let b else { return nil }
  let rank = max(a.count, b.count)
  var dims: [Dim] = []
  for i in 0..<rank {
    let x: Dim = i < rank - a.count ? 1 : a[i - (rank - a.count)]
    let y: Dim = i < rank - b.count ? 1 : b[i - (rank - b.count)]
    if x == y || y.known == 1 {
      dims.append(x)
    } else if x.known == 1 {
      dims.append(y)
    } else if let n = x.known, let m = y.known {
      throw EngineError(
        .shape, "shapes do not broadcast at axis \(i)", expected: "equal sizes or 1",
        received: "\(n) and \(m) of \(a) and \(b)")
    } else if x.known != nil {
      // A known size other than 1 wins: the other is that or 1.
      dims.append(x)
    } else if y.known != nil {
      dims.append(y)
    } else {
      dims.append(Dim.max(x, y))
    }
  }
  return dims
}

/// Choices of the session that kernels honour.
public struct KernelOptions: Hashable, Sendable {
  /// Only kernels as accurate as plain summation.
  public var exact: Bool
  /// Threads that will run the kernel.
  public var threads: Int
  public init(exact: Bool = false, threads: Int = 1) {
    self.exact = exact
    self.threads = threads
  }
}

/// What `prepare` sees of one use of an operator: every type settled.
public struct Preparation: Sendable {
  /// Nil for an optional input that is absent.
  public let inputs: [TensorType?]
  /// Nil for an output nobody asked for; it must not be written.
  public let outputs: [TensorType?]
  /// Contents known before the run: weights, and the values of shape inputs.
  public let constants: [Tensor?]
  public let options: KernelOptions

  public init(
    inputs: [TensorType?], outputs: [TensorType?], constants: [Tensor?] = [],
    options: KernelOptions = .init()
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.constants = constants
    self.options = options
  }

  public func has(_ i: Int) -> Bool { i < inputs.count && inputs[i] != nil }
  public func wants(_ i: Int) -> Bool { i < outputs.count && outputs[i] != nil }
  /// Type of a required input. The binding of inputs was checked against the schema.
  public func input(_ i: Int) throws(EngineError) -> TensorType {
    guard i < inputs.count, let type = inputs[i] else {
      throw EngineError(.arity, "input \(i) is missing")
    }
    return type
  }
  public func output(_ i: Int) throws(EngineError) -> TensorType {
    guard i < outputs.count, let type = outputs[i] else {
      throw EngineError(.arity, "output \(i) is missing")
    }
    return type
  }
  public func constant(_ i: Int) -> Tensor? { i < constants.count ? constants[i] : nil }
  /// The integers of a shape input.
  public func ints(_ i: Int) -> [Int]? {
    guard let t = constant(i) else { return nil }
    return Fact(constant: t).knownInts
  }
  /// The error for dtypes without a kernel.
  public func noKernel() -> EngineError {
    EngineError(
      .dtype, "no kernel for these element types",
      received: inputs.map { $0.map { "\($0.dtype)" } ?? "none" }.joined(separator: ", "))
  }
}

/// The memory of one run of a prepared kernel.
///
/// Addresses of absent inputs and unwanted outputs are valid but hold nothing.
@frozen public struct Memory {
  public let inputs: UnsafePointer<UnsafeMutableRawPointer>
  public let outputs: UnsafePointer<UnsafeMutableRawPointer>
  /// `scratchBytes` bytes, 64-byte aligned, contents undefined.
  public let scratch: UnsafeMutableRawPointer
  @usableFromInline let poolReference: Unmanaged<ThreadPool>

  @inlinable public init(
    inputs: UnsafePointer<UnsafeMutableRawPointer>,
    outputs: UnsafePointer<UnsafeMutableRawPointer>, scratch: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.scratch = scratch
    poolReference = Unmanaged.passUnretained(pool)
  }
  @inlinable public var pool: ThreadPool { poolReference.takeUnretainedValue() }
  /// The elements of input `i`; the prepared kernel knows how many.
  @inlinable public func input<T>(_ i: Int, _: T.Type = T.self) -> UnsafePointer<T> {
    UnsafePointer(inputs[i].assumingMemoryBound(to: T.self))
  }
  @inlinable public func output<T>(_ i: Int, _: T.Type = T.self) -> UnsafeMutablePointer<T> {
    outputs[i].assumingMemoryBound(to: T.self)
  }
}

/// A kernel with everything settled but the memory.
public struct Prepared: Sendable {
  public typealias Run = @Sendable (Memory) throws(EngineError) -> Void
  public enum Kind: Sendable { case kernel, view, dynamic }
  public let kind: Kind
  public let scratchBytes: Int
  /// Bit `i` is set where output 0 may be written over input `i`, element by element.
  public let inPlace: UInt64
  /// What kernel was chosen, for the profile: `gemm avx512 12x32`.
  public let label: String
  public let run: Run

  /// `run` writes every byte of its outputs, allocates nothing, and throws only for reasons that
  /// depend on values.
  public init(
    scratchBytes: Int = 0, inPlace: UInt64 = 0, label: String = "", run: @escaping Run
  ) {
    kind = .kernel
    self.scratchBytes = scratchBytes
    self.inPlace = inPlace
    self.label = label
    self.run = run
  }
  private init(_ kind: Kind) {
    self.kind = kind
    scratchBytes = 0
    inPlace = 0
    label = "\(kind)"
    run = { (_) throws(EngineError) in }
  }
  /// Output 0 is input 0 under another shape: nothing runs, memory is shared.
  public static let view = Prepared(.view)
  /// `evaluate` runs instead.
  public static let dynamic = Prepared(.dynamic)
}

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
    try runner?.reserve(bytes: type.byteCount)
    return try Storage(type)
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
  /// Accounts for memory about to be taken.
  ///
  /// Errors: `.budget` when it exceeds what the session may use.
  func reserve(bytes: Int) throws(EngineError)
  /// Errors: `.cancelled` or `.deadline` when the run should end.
  func checkCancellation() throws(EngineError)
}
