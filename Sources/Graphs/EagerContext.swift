import Glibc
import Kernels
import Tensors

/// What a thread keeps so that running an operator at once costs little more than its kernel: the
/// calls it made, prepared, and working memory.
///
/// Calls stand in a table by a hash of operator, attributes and input types. A place holds a short
/// chain, the latest first, since contents of shape inputs are compared and not hashed.
@usableFromInline final class EagerContext {
  private static let places = 1024
  private static let longestChain = 8
  private let table: UnsafeMutablePointer<EagerCall?>
  /// Taken while a kernel runs, so that one that runs others finds none and gets its own.
  @exclusivity(unchecked) private var scratch: Storage?

  private init() {
    table = .allocate(capacity: EagerContext.places)
    table.initialize(repeating: nil, count: EagerContext.places)
  }

  deinit {
    table.deinitialize(count: EagerContext.places)
    table.deallocate()
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { raw in
      if let raw { Unmanaged<EagerContext>.fromOpaque(raw).release() }
    }
    return key
  }()

  /// The calling thread's context.
  @usableFromInline static var current: EagerContext {
    if let raw = pthread_getspecific(key) {
      return Unmanaged<EagerContext>.fromOpaque(raw).takeUnretainedValue()
    }
    let context = EagerContext()
    pthread_setspecific(key, Unmanaged.passRetained(context).toOpaque())
    return context
  }

  /// Where calls of this operator on inputs of these types stand. `attributes`: a hash of them.
  @usableFromInline
  func place(_ op: ObjectIdentifier, _ attributes: Int, _ inputs: borrowing Few<Tensor?>) -> Int {
    let spread: UInt = 0x9E37_79B9_7F4A_7C15
    var h = (UInt(bitPattern: op.hashValueOfAddress) ^ UInt(bitPattern: attributes)) &* spread
    for i in 0..<inputs.count {
      guard let t = inputs[i] else { continue }
      h = (h ^ t.shape.quickHash ^ UInt(t.dtype.rawValue)) &* spread
    }
    return Int(h >> 54)
  }

  @usableFromInline func first(_ place: Int) -> EagerCall? { table[place] }

  /// Keeps a call, as the first of its place.
  @usableFromInline func keep(_ call: EagerCall, _ place: Int) {
    call.next = table[place]
    table[place] = call
    var last = call
    for _ in 1..<EagerContext.longestChain {
      guard let next = last.next else { return }
      last = next
    }
    last.next = nil
  }

  /// Working memory of at least `bytes` bytes, to be given back.
  func takeScratch(_ bytes: Int) throws(EngineError) -> Storage {
    if let mine = scratch, mine.type.byteCount >= bytes {
      scratch = nil
      return mine
    }
    return try Storage(TensorType(.uint8, [max(bytes, 4096)]))
  }
  func giveScratch(_ storage: Storage) {
    if let mine = scratch, mine.type.byteCount >= storage.type.byteCount { return }
    // A very large one is not worth keeping for those that need little.
    if storage.type.byteCount <= 1 << 24 { scratch = storage }
  }
}

extension ObjectIdentifier {
  /// Metadata lie at multiples of 16.
  @inline(__always) var hashValueOfAddress: Int { Int(bitPattern: self) >> 4 }
}

extension Eager {
  /// The operator prepared for inputs of these types: from the thread's table, or made now.
  ///
  /// Errors: those of the operator's checks, inference and preparation.
  @inlinable public func prepared<Op: Operator>(
    _ op: Op, _ inputs: Few<Tensor?>, outputs: Int
  ) throws(EngineError) -> EagerCall {
    let context = EagerContext.current
    let id = ObjectIdentifier(Op.self)
    let hash = MemoryLayout<Op>.size == 0 ? 0 : op.hashValue
    let place = context.place(id, hash, inputs)
    var known = context.first(place)
    while let call = known {
      if call.serves(id, inputs, outputs, options) {
        if MemoryLayout<Op>.size == 0 { return call }
        if unsafeDowncast(call, to: EagerCallOf<Op>.self).attributes == op { return call }
      }
      known = call.next
    }
    let call = try EagerCallOf(op, inputs, outputs: outputs, options)
    keep(call, place)
    return call
  }

  /// Random draws may settle their stream when they are prepared, and what runs on values has
  /// nothing to keep.
  @usableFromInline func keep(_ call: EagerCall, _ place: Int) {
    guard call.prepared != nil, type(of: call.op).schema.isDeterministic else { return }
    EagerContext.current.keep(call, place)
  }

  /// Runs a call that `prepared` gave on inputs of the same types.
  public func run(
    _ call: EagerCall, _ inputs: Few<Tensor?>
  ) throws(EngineError) -> Few<Tensor> {
    guard let kernel = call.prepared else { return try runOnValues(call, inputs) }
    if kernel.kind == .view {
      guard let x = inputs[0] else { throw EngineError(.arity, "input 0 is missing") }
      return Few(Tensor(Storage(viewing: x.storage, as: call.outputs[0])))
    }
    let n = inputs.count
    let m = call.outputs.count
    if n <= 5, m == 1 {
      let output = try Storage(call.outputs[0])
      var pointers = InlineArray<6, UnsafeMutableRawPointer>(repeating: Storage.empty)
      for i in 0..<n { if let t = inputs[i] { pointers[i] = t.storage.bytes } }
      pointers[5] = output.bytes
      let span = pointers.span
      try span.withUnsafeBufferPointer { (p) throws(EngineError) in
        // Six pointers are never no pointer.
        guard let base = p.baseAddress else { return }
        try run(kernel, base, base + 5, call)
      }
      withExtendedLifetime(inputs) {}
      return Few(Tensor(output))
    }
    var pointers: [UnsafeMutableRawPointer] = []
    pointers.reserveCapacity(n + m)
    for i in 0..<n { pointers.append(inputs[i]?.storage.bytes ?? Storage.empty) }
    var results: [Tensor] = []
    for type in call.outputs {
      let storage = try Storage(type)
      results.append(Tensor(storage))
      pointers.append(storage.bytes)
    }
    try pointers.span.withUnsafeBufferPointer { (p) throws(EngineError) in
      guard let base = p.baseAddress else { return }
      try run(kernel, base, base + n, call)
    }
    withExtendedLifetime(inputs) {}
    return Few(results)
  }

  private func run(
    _ kernel: Prepared, _ inputs: UnsafePointer<UnsafeMutableRawPointer>,
    _ outputs: UnsafePointer<UnsafeMutableRawPointer>, _ call: EagerCall
  ) throws(EngineError) {
    do throws(EngineError) {
      guard kernel.scratchBytes > 0 else {
        return try kernel.run(
          Memory(inputs: inputs, outputs: outputs, scratch: Storage.empty, pool: pool))
      }
      let context = EagerContext.current
      let scratch = try context.takeScratch(kernel.scratchBytes)
      defer { context.giveScratch(scratch) }
      try kernel.run(
        Memory(inputs: inputs, outputs: outputs, scratch: scratch.bytes, pool: pool))
    } catch { throw error.at(operatorName: type(of: call.op).schema.name) }
  }

  private func runOnValues(
    _ call: EagerCall, _ inputs: Few<Tensor?>
  ) throws(EngineError) -> Few<Tensor> {
    let values = try evaluate(
      call.op, inputs.array.map { $0.map { .tensor($0) } }, outputs: call.outputCount, runner: nil)
    var tensors: [Tensor] = []
    for v in values {
      guard let v else { throw EngineError(.internalDefect, "an output was not made") }
      tensors.append(try v.asTensor())
    }
    return Few(tensors)
  }
}
