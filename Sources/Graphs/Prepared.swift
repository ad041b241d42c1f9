import Kernels
import Tensors

/// Choices of the session that kernels honour.
public struct KernelOptions: Hashable, Sendable {
  /// Only kernels as accurate as plain summation.
  public var exact: Bool
  /// Only kernels whose packed weights take no more memory than the weights.
  public var compact: Bool
  /// Threads that will run the kernel.
  public var threads: Int
  public init(exact: Bool = false, compact: Bool = false, threads: Int = 1) {
    self.exact = exact
    self.compact = compact
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
  /// Where packed constants are kept for other uses; nil where there will be none.
  public let store: PackedStore?

  public init(
    inputs: [TensorType?], outputs: [TensorType?], constants: [Tensor?] = [],
    options: KernelOptions = .init(), store: PackedStore? = nil
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.constants = constants
    self.options = options
    self.store = store
  }

  /// A packed form of the constant `source`, made once for all its uses. `form` must say
  /// everything that the packed bytes depend on beside the source. `make` lays the form out in
  /// the space it is given, which may be filled already.
  ///
  /// Errors: those of `make`.
  public func packed<T: PackedForm>(
    _ source: Tensor, as form: String, make: (PackedSpace) throws(EngineError) -> T
  ) throws(EngineError) -> T {
    guard let store else { return try make(.fresh) }
    return try store.packed(source, as: form, make: make)
  }

  /// The same for forms that no file keeps.
  public func packed<T: AnyObject & Sendable>(
    _ source: Tensor, as form: String, make: () throws(EngineError) -> T
  ) throws(EngineError) -> T {
    guard let store else { return try make() }
    return try store.packed(source, as: form, make: make)
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

/// Bytes that a kernel moves and does not change. Who lays out memory may have them made, or read,
/// where they are wanted; a kernel that has nothing else to do is then not run.
public enum Movement: Sendable {
  case none
  /// Output `k` is the bytes of input 0 from `offsets[k]` on; for an output that nobody asked for
  /// the offset means nothing.
  case parts([Int])
  /// Output 0 is the bytes of the inputs and nothing else: those of input `i` from `offsets[i]` on.
  case whole([Int])
}

/// A kernel with everything settled but the memory.
public struct Prepared: Sendable {
  public typealias Run = @Sendable (Memory) throws(EngineError) -> Void
  /// See `resize`.
  public typealias Resize = @Sendable (_ inputs: [TensorType?]) -> Resized?
  public enum Kind: Sendable { case kernel, view, dynamic }
  public let kind: Kind
  public let scratchBytes: Int
  /// Bit `i` is set where output 0 may be written over input `i`, element by element.
  public let inPlace: UInt64
  /// What of the kernel's work memory that lies right saves.
  public let movement: Movement
  /// What kernel was chosen, for the profile: `gemm avx512 12x32`.
  public let label: String
  public let run: Run
  /// Makes the kernel anew for inputs of other types, with the same constants, by arithmetic alone;
  /// it gives nil where that is not possible, and `infer` and `prepare` are asked. Nil for kernels
  /// that cannot do that. For those with one output.
  public let resize: Resize?

  /// `run` writes every byte of its outputs, allocates nothing, and throws only for reasons that
  /// depend on values. What `movement` speaks of it leaves alone where it lies in place already.
  public init(
    scratchBytes: Int = 0, inPlace: UInt64 = 0, movement: Movement = .none, label: String = "",
    resize: Resize? = nil, run: @escaping Run
  ) {
    kind = .kernel
    self.scratchBytes = scratchBytes
    self.inPlace = inPlace
    self.movement = movement
    self.label = label
    self.resize = resize
    self.run = run
  }
  private init(_ kind: Kind) {
    self.kind = kind
    scratchBytes = 0
    inPlace = 0
    movement = .none
    label = "\(kind)"
    resize = nil
    run = { (_) throws(EngineError) in }
  }
  /// Output 0 is input 0 under another shape: nothing runs, memory is shared.
  public static let view = Prepared(.view)
  /// `evaluate` runs instead.
  public static let dynamic = Prepared(.dynamic)
}

/// A kernel made anew for other sizes, and the type of its output. Its own `resize` is not looked
/// at: that of the kernel it was made of serves all sizes.
public struct Resized: Sendable {
  public let output: TensorType
  public let prepared: Prepared
  public init(output: TensorType, prepared: Prepared) {
    self.output = output
    self.prepared = prepared
  }
}
