import CDLRunHeader
import DLRun
import Formats
import Glibc
import Tensors

/// A session in the hands of a C program, and what it says of its model in C's terms.
final class SessionHandle: HandleObject {
  static let handleKind: UInt8 = 2
  static let handleName = "session"
  let session: Session
  let inputs: [CPort]
  let outputs: [CPort]
  let info: dlrun_model_info
  let properties: [(key: UnsafePointer<CChar>, value: UnsafePointer<CChar>)]
  let quick = QuickRuns()
  private let strings = CStrings()

  init(_ model: Model, _ options: SessionOptions) throws(EngineError) {
    session = try Session(model, options: options)
    inputs = session.inputs.map { [strings] in CPort($0, strings) }
    outputs = session.outputs.map { [strings] in CPort($0, strings) }
    var properties: [(UnsafePointer<CChar>, UnsafePointer<CChar>)] = []
    for (key, value) in session.metadata.sorted(by: { $0.key < $1.key }) {
      properties.append((strings.keep(key), strings.keep(value)))
    }
    self.properties = properties
    info = dlrun_model_info(
      size: MemoryLayout<dlrun_model_info>.size, producer: strings.keep(model.producerName),
      producer_version: strings.keep(model.producerVersion),
      graph: strings.keep(model.graph.name), domain: strings.keep(model.domain),
      description: strings.keep(model.doc), graph_description: strings.keep(model.graph.doc),
      version: Int64(model.modelVersion), property_count: properties.count)
  }
}

extension SessionHandle: @unchecked Sendable {}

/// An input or output with its arrays for C.
final class CPort: @unchecked Sendable {
  let port: dlrun_port
  let name: UnsafePointer<CChar>
  private let sizes: CArray<Int64>
  private let symbols: CArray<UnsafePointer<CChar>?>

  init(_ p: Session.Port, _ strings: CStrings) {
    var dtype: DType?
    var dims: [Dim]?
    var kind = DLRUN_TENSOR
    switch p.type {
    case .tensor(let d, let s), .sparseTensor(let d, let s):
      dtype = d
      dims = s
    case .sequence: kind = DLRUN_SEQUENCE
    case .optional: kind = DLRUN_OPTIONAL
    case .map: kind = DLRUN_MAP
    }
    sizes = CArray((dims ?? []).map { Int64($0.known ?? -1) })
    symbols = CArray(
      (dims ?? []).map { $0.known == nil ? strings.keep("\($0)") : strings.keep("") })
    name = strings.keep(p.name)
    port = dlrun_port(
      size: MemoryLayout<dlrun_port>.size, name: name, kind: kind,
      dtype: dlrun_dtype(rawValue: UInt32(dtype?.rawValue ?? 0)),
      rank: dims.map { Int64($0.count) } ?? -1, shape: UnsafePointer(sizes.base),
      symbols: UnsafePointer(symbols.base), is_optional: p.isOptional ? 1 : 0,
      type: strings.keep(p.type.text))
  }
}

/// A structure of the caller, of whatever version: the part of it that he knows, over defaults.
func versioned<T>(
  _ given: UnsafePointer<T>?, default value: T, _ name: String
) throws(EngineError) -> T {
  guard let given else { return value }
  // Every such structure begins with its size.
  let size = UnsafeRawPointer(given).load(as: Int.self)
  guard size >= MemoryLayout<Int>.size, size <= 1 << 16 else {
    throw EngineError(
      .usage, "\(name) has no legal size", expected: "sizeof the structure", received: "\(size)",
      hint: "set it with its initialiser")
  }
  var result = value
  withUnsafeMutableBytes(of: &result) {
    $0.copyMemory(
      from: UnsafeRawBufferPointer(start: given, count: min(size, MemoryLayout<T>.size)))
  }
  return result
}

/// Writes as much of `value` as the caller's structure has room for.
func store<T>(
  _ value: T, size: Int, _ out: UnsafeMutablePointer<T>?, _ name: String
) throws(EngineError) {
  let out = try required(out, name)
  let room = UnsafeRawPointer(out).load(as: Int.self)
  guard room >= MemoryLayout<Int>.size, room <= 1 << 16 else {
    throw EngineError(
      .usage, "\(name) has no legal size", expected: "sizeof the structure", received: "\(room)",
      hint: "set its field 'size' first")
  }
  withUnsafeBytes(of: value) {
    let count = min(room, MemoryLayout<T>.size)
    let source = $0.baseAddress ?? UnsafeRawPointer(Storage.empty)
    UnsafeMutableRawPointer(out).copyMemory(from: source, byteCount: count)
  }
  UnsafeMutableRawPointer(out).storeBytes(of: room, as: Int.self)
}

/// Pointers of a program that it promised may be used from any thread.
private struct ThreadSafe<T>: @unchecked Sendable {
  let value: T
}

/// The allocator of a program.
private final class CAllocator: MemoryAllocator, @unchecked Sendable {
  private let options: dlrun_session_options
  init(_ options: dlrun_session_options) { self.options = options }
  func allocate(bytes: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    options.allocate?(options.allocator_context, bytes, alignment)
  }
  func deallocate(_ memory: UnsafeMutableRawPointer, bytes: Int) {
    options.deallocate?(options.allocator_context, memory, bytes)
  }
}

private func sessionOptions(
  _ given: UnsafePointer<dlrun_session_options>?
) throws(EngineError) -> SessionOptions {
  var defaults = dlrun_session_options()
  defaults.optimization = DLRUN_OPTIMIZE_ALL
  let c = try versioned(given, default: defaults, "options")
  var options = SessionOptions()
  guard c.threads >= 0, c.threads <= 4096 else {
    throw EngineError(
      .usage, "options.threads", expected: "0 to 4096", received: "\(c.threads)")
  }
  options.threads = c.threads == 0 ? nil : Int(c.threads)
  switch c.optimization {
  case DLRUN_OPTIMIZE_NONE: options.optimization = .none
  case DLRUN_OPTIMIZE_BASIC: options.optimization = .basic
  case DLRUN_OPTIMIZE_ALL: options.optimization = .all
  default:
    throw EngineError(
      .usage, "options.optimization", expected: "0, 1 or 2", received: "\(c.optimization.rawValue)")
  }
  options.exact = c.exact != 0
  options.compact = c.compact != 0
  options.checksNaN = c.check_nan != 0
  options.maxMemoryBytes = c.max_memory_bytes == 0 ? nil : Int(clamping: c.max_memory_bytes)
  guard c.plan_cache_size >= 0 else {
    throw EngineError(
      .usage, "options.plan_cache_size", expected: "0 or more", received: "\(c.plan_cache_size)")
  }
  if c.plan_cache_size > 0 { options.planCacheSize = Int(c.plan_cache_size) }
  if let logger = c.logger {
    let sink = ThreadSafe(value: (logger, c.logger_context))
    options.observer = { event in
      let (level, text) = describe(event)
      text.withCString { sink.value.0(sink.value.1, level, $0) }
    }
  }
  guard (c.allocate == nil) == (c.deallocate == nil) else {
    throw EngineError(.usage, "options has one of allocate and deallocate", expected: "both")
  }
  if c.allocate != nil { options.allocator = CAllocator(c) }
  if c.operator_count > 0 {
    options.operators = try callbackOperators(
      try required(c.operators, "options.operators"), c.operator_count)
  }
  return options
}

private func describe(_ event: SessionEvent) -> (dlrun_log_level, String) {
  func ms(_ ns: UInt64) -> String {
    let micros = ns / 1000
    let rest = String(micros % 1000)
    return "\(micros / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest + " ms"
  }
  switch event {
  case .loaded(let nodes, let bytes, let ns):
    return (DLRUN_LOG_INFO, "loaded: \(nodes) nodes, \(bytes) bytes of weights, \(ms(ns))")
  case .planned(let inputs, let bytes, let ns):
    let types = inputs.map { $0.map { "\($0)" } ?? "none" }.joined(separator: ", ")
    return (DLRUN_LOG_INFO, "planned for \(types): \(bytes) bytes a run, \(ms(ns))")
  case .finished(let ns): return (DLRUN_LOG_DEBUG, "ran: \(ms(ns))")
  case .failed(let error, let ns): return (DLRUN_LOG_ERROR, "failed after \(ms(ns)): \(error)")
  }
}

@c @implementation
public func dlrun_session_create(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<dlrun_session_options>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    let path = String(cString: try required(path, "path"))
    let options = try sessionOptions(options)
    do throws(EngineError) {
      out.pointee = HandleTable.add(try SessionHandle(Model(contentsOf: path), options))
    } catch { throw error.at(file: path) }
  }
}

@c @implementation
public func dlrun_session_create_from_memory(
  _ model: UnsafeRawPointer?, _ size_bytes: Int,
  _ options: UnsafePointer<dlrun_session_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    guard size_bytes >= 0 else { throw EngineError(.usage, "size_bytes is too large") }
    let bytes = UnsafeRawBufferPointer(start: try required(model, "model"), count: size_bytes)
    let options = try sessionOptions(options)
    out.pointee = HandleTable.add(try SessionHandle(ModelFile.read(bytes: bytes), options))
  }
}

@c @implementation
public func dlrun_session_release(_ session: OpaquePointer?) {
  HandleTable.remove(session, SessionHandle.self)
}

@c @implementation
public func dlrun_session_input_count(
  _ session: OpaquePointer?, _ out: UnsafeMutablePointer<Int>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    try required(out, "out").pointee = try HandleTable.find(session, SessionHandle.self).inputs
      .count
  }
}

@c @implementation
public func dlrun_session_output_count(
  _ session: OpaquePointer?, _ out: UnsafeMutablePointer<Int>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    try required(out, "out").pointee = try HandleTable.find(session, SessionHandle.self).outputs
      .count
  }
}

private func port(
  _ ports: [CPort], _ index: Int, _ out: UnsafeMutablePointer<dlrun_port>?
) throws(EngineError) {
  guard ports.indices.contains(index) else {
    throw EngineError(
      .usage, "there is no such port", expected: "fewer than \(ports.count)", received: "\(index)")
  }
  try store(ports[index].port, size: MemoryLayout<dlrun_port>.size, out, "out")
}

@c @implementation
public func dlrun_session_input(
  _ session: OpaquePointer?, _ index: Int, _ out: UnsafeMutablePointer<dlrun_port>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    try port(try HandleTable.find(session, SessionHandle.self).inputs, index, out)
  }
}

@c @implementation
public func dlrun_session_output(
  _ session: OpaquePointer?, _ index: Int, _ out: UnsafeMutablePointer<dlrun_port>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    try port(try HandleTable.find(session, SessionHandle.self).outputs, index, out)
  }
}

@c @implementation
public func dlrun_session_model(
  _ session: OpaquePointer?, _ out: UnsafeMutablePointer<dlrun_model_info>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let info = try HandleTable.find(session, SessionHandle.self).info
    try store(info, size: MemoryLayout<dlrun_model_info>.size, out, "out")
  }
}

@c @implementation
public func dlrun_session_property(
  _ session: OpaquePointer?, _ index: Int, _ key: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ value: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let list = try HandleTable.find(session, SessionHandle.self).properties
    guard list.indices.contains(index) else {
      throw EngineError(
        .usage, "there is no such property", expected: "fewer than \(list.count)",
        received: "\(index)")
    }
    key?.pointee = list[index].key
    value?.pointee = list[index].value
  }
}

@c @implementation
public func dlrun_session_threads(
  _ session: OpaquePointer?, _ out: UnsafeMutablePointer<Int32>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let threads = try HandleTable.find(session, SessionHandle.self).session.threads
    try required(out, "out").pointee = Int32(clamping: threads)
  }
}
