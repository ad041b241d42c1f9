import Glibc
import Graphs
import Kernels
import Operators
import Synchronization
import Tensors

/// What a thread needs to run operators at once and to record them.
final class TapeContext {
  let tape = Tape()
  /// Gradients being taken, one inside the other.
  @exclusivity(unchecked) private(set) var depth = 0
  /// Above 0, nothing is recorded.
  @exclusivity(unchecked) var pauses = 0
  /// Whether modules behave as in training: dropout drops, batch norm uses the batch.
  var isTraining = false
  @exclusivity(unchecked) var eager = Eager()
  /// Set while a function is captured into a graph.
  @exclusivity(unchecked) var capture: Capture?
  /// The path of the layer that is running; "" outside.
  var layerPath = ""
  /// Looks at what each operator makes: its name, whether on the way back, inputs and results.
  @exclusivity(unchecked)
  var inspect: (@Sendable (String, Bool, [Tensor?], [Tensor?]) throws(any Error) -> Void)?
  /// Terms that layers add to the loss; nil while nobody asks for them.
  var extraLosses: [Tensor]?
  /// Where random numbers come from.
  var random = RandomState(seed: 0)

  /// Every step makes and frees the same activations and gradients.
  private init() { Storage.recycle(upTo: 1 << 29) }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { raw in
      if let raw { Unmanaged<TapeContext>.fromOpaque(raw).release() }
    }
    return key
  }()
  private static let generations = Atomic<Int>(0)

  /// The calling thread's context.
  static var current: TapeContext {
    if let raw = pthread_getspecific(key) {
      return Unmanaged<TapeContext>.fromOpaque(raw).takeUnretainedValue()
    }
    let context = TapeContext()
    pthread_setspecific(key, Unmanaged.passRetained(context).toOpaque())
    return context
  }

  var isRecording: Bool { depth > 0 && pauses == 0 }
  /// Whether functions had better keep what their gradients need: what is kept has no gradient of
  /// its own, so not inside a gradient that is derived again.
  var keepsForGradients: Bool { capture?.isForTraining ?? (isRecording && depth == 1) }
  /// Whether an outer gradient sees what the innermost one gives.
  @exclusivity(unchecked) private(set) var isNested = false

  /// Runs `body` while what it does is recorded; it gets the number of the first record.
  func record<R>(_ body: (Int) throws -> R) rethrows -> R {
    if depth == 0 {
      // 30 bits are for tapes; a slot of 2^30 gradients ago is long gone.
      let next = Self.generations.wrappingAdd(1, ordering: .relaxed).newValue
      tape.begin(next & 0x3FFF_FFFF)
    }
    let (before, wasNested) = (pauses, isNested)
    isNested = isRecording
    depth += 1
    pauses = 0
    defer {
      depth -= 1
      pauses = before
      isNested = wasNested
      if depth == 0 { tape.end() }
    }
    return try body(tape.records.count)
  }

  /// Runs `body` without recording.
  func paused<R>(_ body: () throws -> R) rethrows -> R {
    pauses += 1
    defer { pauses -= 1 }
    return try body()
  }
}

/// The builder that executes at once and records what involves tracked tensors.
struct Taped: Builder {
  let context: TapeContext

  func fact(of value: Tensor) -> Fact { context.eager.fact(of: value) }
  func constant(_ tensor: Tensor) -> Tensor { tensor }

  func call<Op: Operator>(
    _ op: Op, _ inputs: Few<Tensor?>, outputs: Int
  ) throws(EngineError) -> Few<Tensor> {
    if let capture = context.capture { return try capture.call(op, inputs, outputs: outputs) }
    let call = try context.eager.prepared(op, inputs, outputs: outputs)
    let results = try context.eager.run(call, inputs)
    if context.inspect != nil { try inspect(Op.schema.name, inputs.array, results.array) }
    guard context.isRecording, context.tape.tracks(inputs) else { return results }
    return context.tape.record(call, nil, inputs, results)
  }

  private func inspect(
    _ name: String, _ inputs: [Tensor?], _ results: [Tensor?]
  ) throws(EngineError) {
    do { try context.inspect?(name, false, inputs, results) } catch let error as EngineError {
      throw error
    } catch { throw EngineError(.internalDefect, "an inspection failed: \(error)") }
  }
}
