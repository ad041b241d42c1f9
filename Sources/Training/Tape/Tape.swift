import Graphs
import Operators
import Tensors

/// The operators that a thread applied to tracked tensors, in order, so that gradients can walk
/// back.
///
/// A thread has one tape. A gradient taken inside another records on the same tape, from its own
/// start on, so that its result can be differentiated again; the tape is emptied when the outermost
/// one ends. A tensor's slot holds the tape's generation and the tensor's number, so slots that
/// outlive their tape mean nothing.
final class Tape {
  /// One application.
  struct Record {
    /// Nil where `custom` says how gradients flow.
    let call: EagerCall?
    let custom: CustomRule?
    let firstInput: Int32
    let inputCount: Int32
    let firstOutput: Int32
    let outputCount: Int32
  }

  // One thread's alone, and no function here calls back: checks of exclusive access, which cost a
  // tenth of a small operator, have nothing to find.
  @exclusivity(unchecked) private(set) var records: ContiguousArray<Record> = []
  /// The inputs of all records, one after another.
  @exclusivity(unchecked) private(set) var inputs: ContiguousArray<Tensor?> = []
  /// Every tracked value by number, with its slot; nil once its memory is not needed any more.
  @exclusivity(unchecked) private(set) var values: ContiguousArray<Tensor?> = []
  /// Functions that look at, or change, the gradient of a value.
  var hooks: [Int: [(Tensor) throws -> Tensor?]] = [:]
  /// -2 while no gradient is being taken: no slot has it.
  @exclusivity(unchecked) private(set) var generation = -2

  func begin(_ generation: Int) { self.generation = generation }

  /// Forgets everything but the memory of the lists.
  func end() {
    records.removeAll(keepingCapacity: records.count < 1 << 16)
    inputs.removeAll(keepingCapacity: inputs.count < 1 << 16)
    values.removeAll(keepingCapacity: values.count < 1 << 16)
    if !hooks.isEmpty { hooks = [:] }
    generation = -2
  }

  /// The tensor's number on this tape; nil where it is not tracked.
  @inline(__always) func number(_ tensor: Tensor) -> Int? {
    tensor.slot >> 32 == generation ? tensor.slot & 0xFFFF_FFFF : nil
  }
  @inline(__always) func tracks(_ tensor: Tensor?) -> Bool {
    guard let tensor else { return false }
    return tensor.slot >> 32 == generation
  }
  func tracks(_ list: borrowing Few<Tensor?>) -> Bool {
    for i in 0..<list.count where tracks(list[i]) { return true }
    return false
  }

  /// A new tracked value with the contents of `tensor`.
  func add(_ tensor: Tensor) -> Tensor {
    let tracked = Tensor(tensor.storage, slot: generation << 32 | values.count)
    values.append(tracked)
    return tracked
  }

  /// Notes an application; its outputs, tracked where they are real numbers.
  func record(
    _ call: EagerCall?, _ custom: CustomRule? = nil, _ list: borrowing Few<Tensor?>,
    _ outputs: borrowing Few<Tensor>
  ) -> Few<Tensor> {
    let record = Record(
      call: call, custom: custom, firstInput: Int32(truncatingIfNeeded: inputs.count),
      inputCount: Int32(truncatingIfNeeded: list.count),
      firstOutput: Int32(truncatingIfNeeded: values.count),
      outputCount: Int32(truncatingIfNeeded: outputs.count))
    for i in 0..<list.count { inputs.append(list[i]) }
    records.append(record)
    if outputs.count == 1 {
      let made = add(outputs[0])
      return outputs[0].dtype.isFloat ? Few(made) : Few(Tensor(made.storage))
    }
    var tracked: [Tensor] = []
    for i in 0..<outputs.count {
      let made = add(outputs[i])
      tracked.append(made.dtype.isFloat ? made : Tensor(made.storage))
    }
    return Few(tracked)
  }

  /// The inputs of a record.
  func inputs(of r: Record) -> Few<Tensor?> {
    let first = Int(r.firstInput)
    switch r.inputCount {
    case 1: return Few(inputs[first])
    case 2: return Few(inputs[first], inputs[first + 1])
    case 3: return Few(inputs[first], inputs[first + 1], inputs[first + 2])
    default: return Few(Array(inputs[first..<first + Int(r.inputCount)]))
    }
  }

  /// The outputs of a record, tracked.
  func outputs(of r: Record) -> Few<Tensor> {
    let first = Int(r.firstOutput)
    if r.outputCount == 1, let only = values[first] { return Few(only) }
    return Few(values[first..<first + Int(r.outputCount)].compactMap { $0 })
  }

  /// Gives up the memory that only a record holds, after gradients went through it.
  func release(_ r: Record) {
    for i in Int(r.firstInput)..<Int(r.firstInput + r.inputCount) { inputs[i] = nil }
    for i in Int(r.firstOutput)..<Int(r.firstOutput + r.outputCount) { values[i] = nil }
  }
}
