import CDLRunHeader
import DLRun
import Glibc
import Graphs
import Operators
import Tensors

/// An operator made of a C program's functions.
struct CallbackOperator: Operator {
  /// What every such operator shares; the names are in the definition of each.
  static let schema = Schema(
    "Callback", domain: "ai.dlrun", versions: [1],
    inputs: [.variadic("inputs", .all, "")], outputs: [.variadic("outputs", .all, "")],
    isDeterministic: false, cases: { [] })

  let node: NodeState
  let attributes: [Attribute]

  static func == (a: CallbackOperator, b: CallbackOperator) -> Bool { a.node === b.node }
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(node)) }

  init(reading a: AttributeReader) throws(EngineError) {
    throw EngineError(.unsupported, "an operator of callbacks is made by its definition")
  }
  init(_ node: NodeState, _ attributes: [Attribute]) {
    self.node = node
    self.attributes = attributes
  }

  func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    var types: [dlrun_tensor_type] = []
    for fact in c.inputs {
      guard let fact else {
        types.append(dlrun_tensor_type())
        continue
      }
      // Sizes that are not known yet: the program is asked when they are.
      guard let type = fact.tensorType else {
        return (0..<c.outputCount).map { _ in Fact(nil, nil) }
      }
      types.append(cType(type))
    }
    return try node.infer(types, outputs: c.outputCount).map { Fact($0) }
  }

  func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let inputs = CArray(p.inputs.map { $0.map { cType($0) } ?? dlrun_tensor_type() })
    let outputs = CArray(p.outputs.map { $0.map { cType($0) } ?? dlrun_tensor_type() })
    let present = p.inputs.map { $0 != nil }
    let (inputCount, outputCount) = (present.count, p.outputs.count)
    let hasAll = present.allSatisfy { $0 }
    let node = node
    return Prepared(label: "callback") { (m) throws(EngineError) in
      func compute(
        _ addresses: UnsafePointer<UnsafeRawPointer?>?
      ) -> dlrun_status {
        node.definition.compute?(
          node.state, inputs.base, addresses, inputCount, outputs.base,
          UnsafeRawPointer(m.outputs).assumingMemoryBound(to: UnsafeMutableRawPointer?.self),
          outputCount) ?? DLRUN_INTERNAL
      }
      Callback.clear()
      let status: dlrun_status
      if hasAll {
        status = compute(
          UnsafeRawPointer(m.inputs).assumingMemoryBound(to: UnsafeRawPointer?.self))
      } else {
        let addresses = (0..<inputCount).map {
          present[$0] ? UnsafeRawPointer(m.inputs[$0]) : nil
        }
        status = addresses.withUnsafeBufferPointer { compute($0.baseAddress) }
      }
      try Callback.check(status, "compute")
    }
  }
}

private func cType(_ t: TensorType) -> dlrun_tensor_type {
  var c = dlrun_tensor_type()
  c.dtype = dlrun_dtype(rawValue: UInt32(t.dtype.rawValue))
  c.rank = t.shape.rank
  withUnsafeMutableBytes(of: &c.shape) { bytes in
    for (i, n) in t.shape.array.enumerated() {
      bytes.storeBytes(of: Int64(n), toByteOffset: 8 * i, as: Int64.self)
    }
  }
  return c
}

/// A node's state, as the program made it.
final class NodeState: @unchecked Sendable {
  let definition: dlrun_operator
  let state: UnsafeMutableRawPointer?
  private let isMade: Bool

  init(_ definition: dlrun_operator, _ attributes: [Attribute]) throws(EngineError) {
    self.definition = definition
    guard let create = definition.create else {
      state = definition.context
      isMade = false
      return
    }
    let node = AttributesHandle(attributes)
    let handle = HandleTable.add(node)
    defer { HandleTable.remove(handle, AttributesHandle.self) }
    var state: UnsafeMutableRawPointer?
    Callback.clear()
    try Callback.check(create(definition.context, handle, &state), "create")
    self.state = state
    isMade = true
  }

  deinit { if isMade { definition.destroy?(state) } }

  func infer(
    _ inputs: [dlrun_tensor_type], outputs count: Int
  ) throws(EngineError) -> [TensorType] {
    var outputs = [dlrun_tensor_type](repeating: .init(), count: count)
    Callback.clear()
    let status =
      definition.infer?(state, inputs, inputs.count, &outputs, count) ?? DLRUN_INTERNAL
    try Callback.check(status, "infer")
    var types: [TensorType] = []
    for (i, c) in outputs.enumerated() {
      guard let dtype = DType(rawValue: UInt8(truncatingIfNeeded: c.dtype.rawValue)),
        c.dtype.rawValue <= 255, dtype != .string, (0...Shape.maxRank).contains(c.rank)
      else {
        throw EngineError(
          .dtype, "infer gave output \(i) no legal type",
          received: "element type \(c.dtype.rawValue), rank \(c.rank)")
      }
      let sizes = withUnsafeBytes(of: c.shape) { bytes in
        (0..<c.rank).map { Int(bytes.load(fromByteOffset: 8 * $0, as: Int64.self)) }
      }
      types.append(TensorType(dtype, try Shape(checking: sizes)))
    }
    return types
  }
}

/// How callbacks report failure.
enum Callback {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { free($0) }
    return key
  }()
  static func clear() {
    if let old = pthread_getspecific(key) {
      free(old)
      pthread_setspecific(key, nil)
    }
  }
  static func set(_ message: UnsafePointer<CChar>?) {
    clear()
    if let message { pthread_setspecific(key, strdup(message)) }
  }
  static func check(_ status: dlrun_status, _ function: String) throws(EngineError) {
    if status == DLRUN_OK { return }
    let text = pthread_getspecific(key).map {
      String(cString: $0.assumingMemoryBound(to: CChar.self))
    }
    let code: EngineError.Code =
      switch status {
      case DLRUN_SHAPE: .shape
      case DLRUN_DTYPE: .dtype
      case DLRUN_USAGE, DLRUN_INVALID_MODEL: .attribute
      case DLRUN_BUDGET: .budget
      case DLRUN_UNSUPPORTED: .unsupported
      default: .value
      }
    throw EngineError(code, text ?? "the operator's function \(function) failed")
  }
}

@c @implementation
public func dlrun_operator_fail(_ message: UnsafePointer<CChar>?) { Callback.set(message) }

/// The operators of a program as a session takes them.
func callbackOperators(
  _ list: UnsafePointer<dlrun_operator>, _ count: Int
) throws(EngineError) -> OperatorSet {
  guard count <= 1 << 16 else {
    throw EngineError(.usage, "options.operator_count", received: "\(count)")
  }
  var definitions: [OperatorSet.Definition] = []
  // Each begins with its size, which says where the next one is.
  var next = UnsafeRawPointer(list)
  for i in 0..<count {
    let given = next.assumingMemoryBound(to: dlrun_operator.self)
    let c = try versioned(given, default: dlrun_operator(), "options.operators[\(i)]")
    guard given.pointee.size % MemoryLayout<dlrun_operator>.alignment == 0 else {
      throw EngineError(
        .usage, "options.operators[\(i)] has no legal size", expected: "sizeof(dlrun_operator)",
        received: "\(given.pointee.size)")
    }
    next += given.pointee.size
    definitions.append(try definition(c))
  }
  return try OperatorSet(definitions: definitions)
}

private func definition(_ c: dlrun_operator) throws(EngineError) -> OperatorSet.Definition {
  let name = String(cString: try required(c.name, "an operator's name"))
  let domain = String(cString: try required(c.domain, "the domain of operator \(name)"))
  guard !name.isEmpty, !domain.isEmpty, domain != "ai.onnx" else {
    throw EngineError(
      .usage, "an operator needs a name and a domain of its own", received: "\(domain):\(name)")
  }
  guard c.infer != nil, c.compute != nil, c.min_inputs >= 0, c.outputs >= 1, c.outputs <= 64,
    c.max_inputs == -1 || (c.max_inputs >= c.min_inputs && c.max_inputs <= 1024)
  else {
    throw EngineError(
      .usage, "operator \(name) is incomplete",
      expected: "functions infer and compute, at least one output, max_inputs of at least "
        + "min_inputs or -1")
  }
  var inputs: [Parameter] = (0..<Int(c.min_inputs)).map { Parameter("input\($0)", .all, "") }
  if c.max_inputs == -1 {
    inputs.append(.variadic("inputs", .all, ""))
  } else {
    for i in Int(c.min_inputs)..<Int(c.max_inputs) {
      inputs.append(.optional("input\(i)", .all, ""))
    }
  }
  let outputs = (0..<Int(c.outputs)).map {
    Parameter("output\($0)", .all, "", kind: $0 == 0 ? .required : .optional)
  }
  let schema = Schema(
    name, domain: domain, versions: [max(1, Int(c.since_version))], inputs: inputs,
    outputs: outputs, cases: { [] })
  let kept = KeptDefinition(c)
  return .init(schema, takesAnyAttribute: true) { (a) throws(EngineError) in
    CallbackOperator(try NodeState(kept.value, a.all), a.all)
  }
}

/// A program's structure, whose functions may be called from any thread.
private struct KeptDefinition: @unchecked Sendable {
  let value: dlrun_operator
  init(_ value: dlrun_operator) { self.value = value }
}
