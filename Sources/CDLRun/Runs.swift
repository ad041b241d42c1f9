import CDLRunHeader
import DLRun
import Formats
import Glibc
import Tensors

/// Ends runs from another thread.
final class CancellationHandle: HandleObject {
  static let handleKind: UInt8 = 3
  static let handleName = "cancellation"
  let control = RunControl()
}

@c @implementation
public func dlrun_cancellation_create(
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    try required(out, "out").pointee = HandleTable.add(CancellationHandle())
  }
}

@c @implementation
public func dlrun_cancellation_cancel(_ cancellation: OpaquePointer?) -> dlrun_status {
  attempt { () throws(EngineError) in
    try HandleTable.find(cancellation, CancellationHandle.self).control.cancel()
  }
}

@c @implementation
public func dlrun_cancellation_release(_ cancellation: OpaquePointer?) {
  HandleTable.remove(cancellation, CancellationHandle.self)
}

@c @implementation
public func dlrun_session_run(
  _ session: OpaquePointer?, _ options: UnsafePointer<dlrun_run_options>?,
  _ input_names: UnsafePointer<UnsafePointer<CChar>?>?,
  _ inputs: UnsafePointer<OpaquePointer?>?, _ input_count: Int,
  _ output_names: UnsafePointer<UnsafePointer<CChar>?>?,
  _ outputs: UnsafeMutablePointer<OpaquePointer?>?, _ output_count: Int
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let handle = try HandleTable.find(session, SessionHandle.self)
    var values = [Value?](repeating: nil, count: handle.inputs.count)
    for i in 0..<max(0, input_count) {
      let inputs = try required(inputs, "inputs")
      var place: Int? = i
      if let input_names {
        place = find(try required(input_names[i], "input name \(i)"), handle.inputs, near: i)
      }
      guard let place, place < values.count else {
        let name = input_names?[i].map { "'\(String(cString: $0))'" } ?? "\(i)"
        throw EngineError(
          .usage, "the model has no input \(name)",
          expected: handle.session.inputs.map { "'\($0.name)'" }.joined(separator: ", "))
      }
      values[place] = try HandleTable.find(inputs[i], ValueHandle.self).value
    }
    let results = try run(
      handle, options, values, output_names, outputs, max(0, output_count))
    guard output_count > 0 else { return }
    let outputs = try required(outputs, "outputs")
    for (i, result) in results.enumerated() where outputs[i] == nil {
      if let result { outputs[i] = HandleTable.add(ValueHandle(result)) }
    }
  }
}

/// The place of a name, looked for first where it stands in the model's order.
private func find(_ name: UnsafePointer<CChar>, _ ports: [CPort], near i: Int) -> Int? {
  if i < ports.count, strcmp(ports[i].name, name) == 0 { return i }
  return ports.firstIndex { strcmp($0.name, name) == 0 }
}

/// A run's options in our terms.
private struct RunSettings {
  var control: RunControl?
  var profiler: Profiler?
  private var profilePath: String?

  init(_ options: UnsafePointer<dlrun_run_options>?) throws(EngineError) {
    guard let options else { return }
    let c = try versioned(options, default: dlrun_run_options(), "options")
    guard c.seconds >= 0 else {
      throw EngineError(
        .usage, "options.seconds", expected: "0 or more", received: "\(c.seconds)")
    }
    let parent: RunControl? =
      if let handle = c.cancellation {
        try HandleTable.find(handle, CancellationHandle.self).control
      } else { nil }
    control = c.seconds > 0 ? try RunControl(seconds: c.seconds, parent: parent) : parent
    if let path = c.profile_path {
      profiler = Profiler()
      profilePath = String(cString: path)
    }
  }

  func writeProfile() throws(EngineError) {
    guard let profiler, let profilePath else { return }
    let file = try AtomicFile(profilePath)
    try file.write(Array(profiler.chromeTrace().utf8))
    try file.commit()
  }
}

/// Outputs in the model's order are looked at only where it has as many.
private func checkOutputs(_ count: Int, of handle: SessionHandle) throws(EngineError) {
  guard count <= handle.outputs.count else {
    throw EngineError(
      .usage, "more outputs than the model has", expected: "at most \(handle.outputs.count)",
      received: "\(count)")
  }
}

private func run(
  _ handle: SessionHandle, _ options: UnsafePointer<dlrun_run_options>?, _ values: [Value?],
  _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ outputs: UnsafeMutablePointer<OpaquePointer?>?,
  _ count: Int
) throws(EngineError) -> [Value?] {
  var places: [Int] = []
  var targets: [Tensor?] = []
  var isInner = false
  if names == nil { try checkOutputs(count, of: handle) }
  for i in 0..<count {
    let outputs = try required(outputs, "outputs")
    if let names {
      let name = try required(names[i], "output name \(i)")
      if let place = find(name, handle.outputs, near: i) {
        places.append(place)
      } else {
        isInner = true
      }
    } else {
      places.append(i)
    }
    guard let target = outputs[i] else {
      targets.append(nil)
      continue
    }
    let value = try HandleTable.find(target, ValueHandle.self)
    guard value.isWritable else {
      throw EngineError(
        .usage, "output \(i) cannot be written to", expected: "NULL or memory of the caller",
        hint: "make it with dlrun_value_borrow")
    }
    targets.append(try value.tensor())
  }
  let settings = try RunSettings(options)
  let results: [Value?]
  if isInner {
    var list: [String] = []
    for i in 0..<count { list.append(names?[i].map { String(cString: $0) } ?? "") }
    results = try runInner(handle, values, list, targets, settings)
  } else {
    results = try handle.session.run(
      ordered: values, into: targets, only: places, control: settings.control,
      profiler: settings.profiler)
  }
  try settings.writeProfile()
  return results
}

/// A run that asks for values inside the graph.
private func runInner(
  _ handle: SessionHandle, _ values: [Value?], _ names: [String], _ targets: [Tensor?],
  _ settings: RunSettings
) throws(EngineError) -> [Value?] {
  var inputs: [String: Value] = [:]
  for (port, value) in zip(handle.session.inputs, values) { inputs[port.name] = value }
  let results = try handle.session.run(
    values: inputs, outputs: names, control: settings.control, profiler: settings.profiler
  ).values
  for (result, target) in zip(results, targets) {
    guard let target else { continue }
    guard case .tensor(let t)? = result, t.type == target.type else {
      throw EngineError(
        .shape, "an output does not fit the memory given for it", expected: "\(target.type)",
        received: result.map { $0.kind } ?? "nothing")
    }
    memcpy(target.storage.bytes, t.storage.bytes, t.byteCount)
  }
  return results
}

/// The type a program states; nil for an input that is left out.
private func type(_ t: dlrun_tensor, _ what: String) throws(EngineError) -> TensorType? {
  if t.dtype == DLRUN_UNDEFINED { return nil }
  guard let dtype = DType(rawValue: UInt8(truncatingIfNeeded: t.dtype.rawValue)),
    t.dtype.rawValue <= 255, dtype != .string
  else {
    throw EngineError(
      .dtype, "the element type of \(what)", expected: "one with memory of its own",
      received: "\(t.dtype.rawValue)")
  }
  guard t.rank <= Shape.maxRank else {
    throw EngineError(
      .shape, "the rank of \(what) is too high", expected: "at most \(Shape.maxRank)",
      received: "\(t.rank)")
  }
  let sizes = withUnsafeBytes(of: t.shape) { bytes in
    (0..<Int(t.rank)).map { Int(bytes.load(fromByteOffset: 8 * $0, as: Int64.self)) }
  }
  let type = TensorType(dtype, try Shape(checking: sizes))
  guard t.size_bytes == type.byteCount, t.data != nil || type.byteCount == 0 else {
    throw EngineError(
      .shape, "the memory of \(what) does not have the size of \(type)",
      expected: "\(type.byteCount) bytes",
      received: t.data == nil ? "NULL" : "\(t.size_bytes)")
  }
  return type
}

@c @implementation
public func dlrun_session_run_tensors(
  _ session: OpaquePointer?, _ options: UnsafePointer<dlrun_run_options>?,
  _ inputs: UnsafePointer<dlrun_tensor>?, _ input_count: Int, _ places: UnsafePointer<Int>?,
  _ outputs: UnsafeMutablePointer<dlrun_tensor>?, _ output_count: Int
) -> dlrun_status {
  attempt { () throws(EngineError) in
    try runTensors(
      try HandleTable.find(session, SessionHandle.self), options, inputs, input_count, places,
      outputs, output_count)
  }
}

/// What `dlrun_session_run_tensors` does.
func runTensors(
  _ handle: SessionHandle, _ options: UnsafePointer<dlrun_run_options>?,
  _ inputs: UnsafePointer<dlrun_tensor>?, _ input_count: Int, _ places: UnsafePointer<Int>?,
  _ outputs: UnsafeMutablePointer<dlrun_tensor>?, _ output_count: Int
) throws(EngineError) {
  guard input_count == handle.inputs.count else {
    throw EngineError(
      .usage, "the wrong number of inputs", expected: "\(handle.inputs.count)",
      received: "\(input_count)")
  }
  let isWhole = options == nil && isEveryOutput(places, output_count, of: handle)
  if isWhole, let inputs, let outputs, try handle.quick.run(inputs, outputs) { return }
  var values: [Value?] = []
  for i in 0..<input_count {
    let t = try required(inputs, "inputs")[i]
    if let value = t.value {
      values.append(try HandleTable.find(value, ValueHandle.self).value)
    } else if let type = try type(t, "input \(i)") {
      values.append(
        .tensor(Tensor(Storage(type, borrowing: t.data ?? Storage.empty, owner: nil))))
    } else {
      values.append(nil)
    }
  }
  if places == nil { try checkOutputs(output_count, of: handle) }
  var wanted: [Int] = []
  var targets: [Tensor?] = []
  for i in 0..<max(0, output_count) {
    let t = try required(outputs, "outputs")[i]
    wanted.append(places.map { $0[i] } ?? i)
    if let memory = t.data, let type = try type(t, "output \(i)") {
      targets.append(Tensor(Storage(type, borrowing: memory, owner: nil)))
    } else {
      targets.append(nil)
    }
  }
  let settings = try RunSettings(options)
  var results = try handle.session.run(
    ordered: values, into: targets, mustFit: false, only: wanted, control: settings.control,
    profiler: settings.profiler)
  try settings.writeProfile()
  guard let outputs else { return }
  // The caller may write to a result: it is no weight and no other result.
  for i in results.indices {
    guard case .tensor(let t)? = results[i], t.dtype != .string,
      targets[i]?.storage !== t.storage
    else { continue }
    let isShared = results[..<i].contains {
      if case .tensor(let other)? = $0 { other.storage === t.storage } else { false }
    }
    results[i] = .tensor(try handle.session.ownMemory(t, isShared: isShared))
  }
  for (i, result) in results.enumerated() { store(result, targets[i], &outputs[i]) }
  if isWhole, let inputs {
    let types = values.map { if case .tensor(let t)? = $0 { t.type } else { nil as TensorType? } }
    handle.quick.prepare(handle.session, types, inputs, outputs)
  }
}

/// Whether the places are those of all outputs in the model's order.
private func isEveryOutput(
  _ places: UnsafePointer<Int>?, _ count: Int, of handle: SessionHandle
) -> Bool {
  guard count == handle.outputs.count else { return false }
  guard let places else { return true }
  for i in 0..<count where places[i] != i { return false }
  return true
}

/// Fills in an output; the type stands there already where the caller's memory was written.
private func store(_ result: Value?, _ target: Tensor?, _ out: inout dlrun_tensor) {
  out.value = nil
  guard case .tensor(let t)? = result, t.dtype != .string else {
    let isString = if case .tensor? = result { true } else { false }
    out.dtype = isString ? DLRUN_STRING : DLRUN_UNDEFINED
    out.rank = 0
    out.data = nil
    out.size_bytes = 0
    if let result { out.value = HandleTable.add(ValueHandle(result)) }
    return
  }
  if let target, target.storage === t.storage { return }
  out.dtype = dlrun_dtype(rawValue: UInt32(t.dtype.rawValue))
  out.rank = UInt32(t.shape.rank)
  withUnsafeMutableBytes(of: &out.shape) { bytes in
    for (i, n) in t.shape.array.enumerated() {
      bytes.storeBytes(of: Int64(n), toByteOffset: 8 * i, as: Int64.self)
    }
  }
  out.data = t.storage.bytes
  out.size_bytes = t.byteCount
  out.value = HandleTable.add(ValueHandle(.tensor(t)))
}
