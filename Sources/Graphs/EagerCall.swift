import Kernels
import Tensors

/// An operator bound to the types of its inputs, as a thread keeps it to run it again at once.
///
/// Never changes once made, but for its place in the table of its thread.
public class EagerCall: @unchecked Sendable {
  public let op: any Operator
  /// Outputs that each run gives.
  public let outputCount: Int
  @usableFromInline let opType: ObjectIdentifier
  let types: [TensorType?]
  let outputs: [TensorType]
  /// Contents that the kernel was prepared with; nil for inputs that it reads in each run.
  let contents: [Tensor?]
  let options: KernelOptions
  /// Nil where the operator runs on values: results whose sizes depend on data, strings.
  let prepared: Prepared?
  /// The next call that shares the place in the table.
  @exclusivity(unchecked) @usableFromInline final var next: EagerCall?

  init(
    _ op: any Operator, _ opType: ObjectIdentifier, _ inputs: Few<Tensor?>, outputs count: Int,
    _ options: KernelOptions
  ) throws(EngineError) {
    let schema = type(of: op).schema
    let values: [Value?] = inputs.array.map { $0.map { .tensor($0) } }
    do throws(EngineError) {
      try schema.check(inputs: values, outputs: count)
      let call = try Call(dynamic: op, values, outputs: count, options: options)
      if let call, call.prepared.kind != .dynamic {
        prepared = call.prepared
        contents = call.constants
        outputs = call.outputs.compactMap { $0 }
      } else {
        prepared = nil
        contents = []
        outputs = []
      }
    } catch { throw error.at(operatorName: schema.name) }
    self.op = op
    self.opType = opType
    self.options = options
    types = inputs.array.map { $0?.type }
    outputCount = count
  }

  /// Whether the call serves these inputs, the operator's attributes apart.
  @usableFromInline
  final func serves(
    _ wanted: ObjectIdentifier, _ inputs: borrowing Few<Tensor?>, _ outputs: Int,
    _ options: KernelOptions
  ) -> Bool {
    guard wanted == opType, inputs.count == types.count, outputs == outputCount,
      options == self.options
    else { return false }
    for i in 0..<inputs.count {
      guard let t = inputs[i] else {
        if types[i] != nil { return false }
        continue
      }
      guard let mine = types[i], mine == t.type else { return false }
      if let known = contents[i], known.storage !== t.storage {
        let bytes = mine.byteCount
        guard bytes <= 8192, mine.dtype != .string,
          isEqual(known.storage.bytes, t.storage.bytes, bytes)
        else { return false }
      }
    }
    return true
  }
}

/// A call that compares its attributes without boxing them.
@usableFromInline final class EagerCallOf<Op: Operator>: EagerCall, @unchecked Sendable {
  @usableFromInline let attributes: Op

  @usableFromInline init(
    _ op: Op, _ inputs: Few<Tensor?>, outputs: Int, _ options: KernelOptions
  ) throws(EngineError) {
    attributes = op
    try super.init(op, ObjectIdentifier(Op.self), inputs, outputs: outputs, options)
  }
}

private func isEqual(
  _ a: UnsafeMutableRawPointer, _ b: UnsafeMutableRawPointer, _ count: Int
) -> Bool {
  for i in 0..<count
  where a.load(fromByteOffset: i, as: UInt8.self)
    != b.load(
      fromByteOffset: i, as: UInt8.self)
  { return false }
  return true
}
