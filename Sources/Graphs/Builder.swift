import Kernels
import Synchronization
import Tensors

/// Where gradients, expansions and layers are written once: executed at once, or recorded.
public protocol Builder {
  associatedtype Value: Sendable
  /// Dtype and sizes, the sizes perhaps symbolic while a graph is recorded.
  func fact(of value: Value) -> Fact
  /// A constant of the program.
  func constant(_ tensor: Tensor) throws(EngineError) -> Value
  /// Applies `op` itself, without expanding it. Rules call `apply`.
  func call<Op: Operator>(
    _ op: Op, _ inputs: Few<Value?>, outputs: Int
  ) throws(EngineError) -> Few<Value>
}

extension Builder {
  @inlinable public func apply<Op: Operator>(
    _ op: Op, _ a: Value
  ) throws(EngineError) -> Value { try op.build(self, Few(a), outputs: 1)[0] }

  @inlinable public func apply<Op: Operator>(
    _ op: Op, _ a: Value, _ b: Value
  ) throws(EngineError) -> Value { try op.build(self, Few(a, b), outputs: 1)[0] }

  @inlinable public func apply<Op: Operator>(
    _ op: Op, _ a: Value, _ b: Value, _ c: Value
  ) throws(EngineError) -> Value { try op.build(self, Few(a, b, c), outputs: 1)[0] }

  /// Any number of inputs, nil for absent ones; the first output.
  @inlinable public func apply<Op: Operator>(
    _ op: Op, inputs: [Value?]
  ) throws(EngineError) -> Value { try op.build(self, Few(inputs), outputs: 1)[0] }

  /// Any number of inputs and outputs.
  @inlinable public func apply<Op: Operator>(
    _ op: Op, inputs: [Value?], outputs: Int
  ) throws(EngineError) -> Few<Value> { try op.build(self, Few(inputs), outputs: outputs) }
}

/// One application of an operator, seen from its gradient rule.
public struct Backward<Value> {
  public let inputs: Few<Value?>
  public let outputs: Few<Value>
  /// The gradients of the loss with respect to the outputs; nil where none flows.
  public let upstreams: Few<Value?>
  @usableFromInline let needed: UInt64
  @usableFromInline var given: [Value?] = []
  /// What the operator's subgraphs capture, in the node's order.
  public let captured: [Value]
  @usableFromInline let neededCaptured: [Bool]
  /// The gradients of captured values, as far as they were handed in.
  public internal(set) var givenCaptured: [Int: Value] = [:]

  /// - `needed`: bit i for input i. Inputs from the 64th on always count as needed.
  @inlinable public init(
    inputs: Few<Value?>, outputs: Few<Value>, upstreams: Few<Value?>, needed: UInt64,
    captured: [Value] = [], neededCaptured: [Bool] = []
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.upstreams = upstreams
    self.needed = needed
    self.captured = captured
    self.neededCaptured = neededCaptured
  }

  /// Whether anybody asks for the gradient of captured value `i`.
  public func needsCaptured(_ i: Int) -> Bool { i < neededCaptured.count && neededCaptured[i] }

  /// Hands in the gradient of captured value `i`.
  public mutating func giveCaptured(_ i: Int, _ value: Value) { givenCaptured[i] = value }

  /// A required input.
  @inlinable public func input(_ i: Int) throws(EngineError) -> Value {
    guard let v = inputs[i] else { throw EngineError(.arity, "input \(i) is missing") }
    return v
  }
  @inlinable public func has(_ i: Int) -> Bool { i < inputs.count && inputs[i] != nil }
  @inlinable public var output: Value { outputs[0] }
  /// The gradient with respect to output 0.
  @inlinable public func upstream() throws(EngineError) -> Value {
    guard let v = upstreams[0] else { throw EngineError(.internalDefect, "no gradient flows") }
    return v
  }
  /// Whether anybody asks for the gradient of input `i`.
  @inlinable public func needs(_ i: Int) -> Bool {
    (i >= 64 || needed >> UInt64(i) & 1 == 1) && has(i)
  }

  /// Hands in the gradient of input `i`.
  @inlinable public mutating func give(_ i: Int, _ value: Value) {
    while given.count <= i { given.append(nil) }
    given[i] = value
  }
  @inlinable public func result(_ i: Int) -> Value? { i < given.count ? given[i] : nil }
}

/// The builder that executes at once.
@frozen public struct Eager: Builder, Sendable {
  public let pool: ThreadPool
  public let options: KernelOptions

  public init(pool: ThreadPool = .single, options: KernelOptions = .init()) {
    self.pool = pool
    self.options = options
  }

  public func fact(of value: Tensor) -> Fact {
    value.dtype == .int64 || value.dtype == .int32 ? Fact(constant: value) : Fact(value.type)
  }
  public func constant(_ tensor: Tensor) -> Tensor { tensor }

  @inlinable public func call<Op: Operator>(
    _ op: Op, _ inputs: Few<Tensor?>, outputs: Int
  ) throws(EngineError) -> Few<Tensor> {
    try run(prepared(op, inputs, outputs: outputs), inputs)
  }

  /// Runs `op` on any values. The way of dynamic nodes and of subgraph operators.
  public func evaluate(
    _ op: any Operator, _ inputs: [Tensors.Value?], captured: [Tensors.Value?] = [], outputs: Int,
    runner: (any GraphRunner)?
  ) throws(EngineError) -> [Tensors.Value?] {
    let schema = type(of: op).schema
    do throws(EngineError) {
      try schema.check(inputs: inputs, outputs: outputs)
      let evaluation = Evaluation(
        inputs: inputs, captured: captured, outputCount: outputs, pool: pool, options: options,
        runner: runner)
      if let call = try Call(dynamic: op, inputs, outputs: outputs, options: options) {
        if call.prepared.kind != .dynamic {
          return try call.run(inputs, evaluation)
        }
      }
      return try op.evaluate(evaluation)
    } catch { throw error.at(operatorName: schema.name) }
  }
}

/// An operator bound to types and prepared.
public final class Call: Sendable {
  public let op: any Operator
  public let inputs: [TensorType?]
  public let outputs: [TensorType?]
  /// Contents the kernel was prepared with; nil for inputs that it reads in each run.
  public let constants: [Tensor?]
  public let prepared: Prepared
  /// Makes the kernel anew for other sizes; see `Prepared.resize`.
  public let resize: Prepared.Resize?
  /// Scratch of the last run: fresh pages would cost more than many a kernel.
  private let spare = Mutex<Storage?>(nil)
  /// Runs do not keep more than this.
  private static let mostSpare = 1 << 18

  public init(
    _ op: any Operator, inputs: [TensorType?], outputs: [TensorType?], constants: [Tensor?],
    prepared: Prepared
  ) {
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
    self.constants = constants
    self.prepared = prepared
    resize = prepared.resize
  }

  /// The call with the kernel that its `resize` made for `inputs`.
  public init(_ other: Call, resized: Resized, inputs: [TensorType?]) {
    op = other.op
    self.inputs = inputs
    outputs = [resized.output]
    constants = other.constants
    prepared = resized.prepared
    resize = other.resize
  }

  /// Whether the call serves inputs of these types, with these contents where it depends on them.
  public func serves(_ types: [TensorType?], _ contents: [Tensor?]) -> Bool {
    guard inputs == types, contents.count == constants.count else { return false }
    for (mine, theirs) in zip(constants, contents) {
      guard let mine else { continue }
      guard let theirs else { return false }
      if mine.storage === theirs.storage { continue }
      guard mine.type == theirs.type, mine.dtype != .string, mine.byteCount <= 8192,
        mine.rawBytes.elementsEqual(theirs.rawBytes)
      else { return false }
    }
    return true
  }

  /// Binds `op` to values at hand. Nil where result types depend on data or are not tensors:
  /// then only `evaluate` can run it. `lasting` inputs keep their contents for as long as the
  /// call is used; what is packed of them goes to `store`.
  public init?(
    dynamic op: any Operator, _ inputs: [Value?], outputs: Int, options: KernelOptions,
    lasting: [Bool] = [], store: PackedStore? = nil
  ) throws(EngineError) {
    let schema = type(of: op).schema
    if op is any CompositeOperator && !(op is any KernelComposite) { return nil }
    var facts: [Fact?] = []
    var types: [TensorType?] = []
    var constants: [Tensor?] = []
    for (i, input) in inputs.enumerated() {
      guard let input else {
        facts.append(nil)
        types.append(nil)
        constants.append(nil)
        continue
      }
      guard case .tensor(let t) = input else { return nil }
      types.append(t.type)
      let isShape = schema.input(i)?.isShapeInput == true
      facts.append(isShape ? Fact(constant: t) : Fact(t.type))
      constants.append(isShape || (i < lasting.count && lasting[i]) ? t : nil)
    }
    let results = try op.infer(Inference(inputs: facts, outputCount: outputs))
    var outputTypes: [TensorType?] = []
    for fact in results.prefix(outputs) {
      guard let t = fact.tensorType, t.dtype != .string else { return nil }
      outputTypes.append(t)
    }
    guard outputTypes.count == outputs, !types.contains(where: { $0?.dtype == .string }) else {
      return nil
    }
    prepared = try op.prepare(
      Preparation(
        inputs: types, outputs: outputTypes, constants: constants, options: options, store: store))
    resize = nil
    self.op = op
    self.inputs = types
    self.outputs = outputTypes
    self.constants = constants
  }

  /// Runs the prepared kernel into fresh memory, or into `targets`: memory for outputs, taken where
  /// its type is the output's.
  public func run(
    _ values: [Value?], _ e: Evaluation, into targets: [Tensor?] = []
  ) throws(EngineError) -> [Value?] {
    var pointers: [UnsafeMutableRawPointer] = []
    var tensors: [Tensor?] = []
    for v in values { tensors.append(try v?.asTensor()) }
    if prepared.kind == .view, let first = tensors.first, let x = first, let type = outputs[0] {
      return [.tensor(Tensor(Storage(viewing: x.storage, as: type)))]
    }
    for t in tensors { pointers.append(t?.storage.bytes ?? Storage.empty) }
    var results: [Storage?] = []
    for (i, type) in outputs.enumerated() {
      var storage = i < targets.count && targets[i]?.type == type ? targets[i]?.storage : nil
      if storage == nil, let type { storage = try e.allocate(type) }
      results.append(storage)
      pointers.append(storage?.bytes ?? Storage.empty)
    }
    let kept = spare.withLock { kept in
      defer { kept = nil }
      return kept
    }
    let scratch =
      if let kept { kept } else {
        try e.allocate(TensorType(.uint8, [prepared.scratchBytes])) as Storage
      }
    let pool = e.pool
    let n = tensors.count
    var failure: EngineError?
    pointers.withUnsafeBufferPointer { p in
      // A list of pointers may be empty only when there are no inputs and no outputs.
      guard let base = p.baseAddress else { return }
      do throws(EngineError) {
        try prepared.run(
          Memory(inputs: base, outputs: base + n, scratch: scratch.bytes, pool: pool))
      } catch { failure = error }
    }
    withExtendedLifetime((tensors, scratch)) {}
    if prepared.scratchBytes <= Call.mostSpare { spare.withLock { $0 = scratch } }
    if let failure { throw failure }
    return results.map { $0.map { .tensor(Tensor($0)) } }
  }
}

extension Schema {
  /// Whether the numbers and kinds of inputs and outputs are legal.
  ///
  /// Errors: `.arity` or `.dtype`, naming the input.
  public func check(inputs values: [Value?], outputs: Int) throws(EngineError) {
    try checkArity(inputs: values.map { $0 != nil }, outputs: outputs)
    for (i, v) in values.enumerated() {
      guard let v, let p = input(i), case .tensor(let t) = v else { continue }
      guard p.types.contains(t.dtype) else {
        throw EngineError(
          .dtype, "input \(i) (\(p.name)) has an element type the operator does not take",
          expected: p.types.list.map { "\($0)" }.joined(separator: ", "), received: "\(t.dtype)")
      }
    }
  }

  /// Whether each required input is there and there are not too many inputs or outputs.
  public func checkArity(inputs given: [Bool], outputs: Int) throws(EngineError) {
    if let most = maxInputs, given.count > most {
      throw EngineError(
        .arity, "too many inputs", expected: "at most \(most)", received: "\(given.count)")
    }
    for (i, p) in inputs.enumerated() where p.kind == .required {
      guard i < given.count, given[i] else {
        throw EngineError(.arity, "required input \(i) (\(p.name)) is missing")
      }
    }
    if let most = maxOutputs, outputs > most {
      throw EngineError(
        .arity, "too many outputs", expected: "at most \(most)", received: "\(outputs)")
    }
  }
}
