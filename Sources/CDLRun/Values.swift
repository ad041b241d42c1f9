import CDLRunHeader
import Formats
import Glibc
import Synchronization
import Tensors

/// A value in the hands of a C program.
final class ValueHandle: HandleObject {
  static let handleKind: UInt8 = 1
  static let handleName = "value"
  let value: Value
  /// Whether a run may write to it: memory that the caller gave.
  let isWritable: Bool
  private let strings = Mutex<CStrings?>(nil)
  private let texts = Mutex<[Int: UInt]>([:])

  init(_ value: Value, isWritable: Bool = false) {
    self.value = value
    self.isWritable = isWritable
  }

  func tensor() throws(EngineError) -> Tensor { try value.asTensor() }

  /// String `i` for C, made when first asked for.
  func string(_ i: Int) throws(EngineError) -> (UnsafePointer<CChar>, Int) {
    let t = try tensor()
    guard t.dtype == .string else {
      throw EngineError(.dtype, "the tensor has no strings", received: "\(t.dtype)")
    }
    guard t.strings.indices.contains(i) else {
      throw EngineError(
        .usage, "string \(i) does not exist", expected: "0 to \(t.strings.count - 1)")
    }
    let keeper = strings.withLock { kept -> CStrings in
      if let kept { return kept }
      let made = CStrings()
      kept = made
      return made
    }
    let address = texts.withLock { texts -> UInt in
      if let known = texts[i] { return known }
      let made = UInt(bitPattern: keeper.keep(t.strings[i]))
      texts[i] = made
      return made
    }
    guard let text = UnsafePointer<CChar>(bitPattern: address) else { return (Failure.none, 0) }
    return (text, t.strings[i].utf8.count)
  }
}

/// Calls the function a program gave when its memory is no longer used.
final class AdoptedMemory: @unchecked Sendable {
  private let done: @convention(c) (UnsafeMutableRawPointer?) -> Void
  private let context: UnsafeMutableRawPointer?
  init(
    _ done: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void,
    _ context: UnsafeMutableRawPointer?
  ) {
    self.done = done
    self.context = context
  }
  deinit { done(context) }
}

private func shape(
  _ sizes: UnsafePointer<Int64>?, _ rank: Int
) throws(EngineError) -> Shape {
  guard rank >= 0, rank <= Shape.maxRank else {
    throw EngineError(
      .shape, "the rank is too high", expected: "at most \(Shape.maxRank)", received: "\(rank)")
  }
  if rank == 0 { return Shape([]) }
  let sizes = try required(sizes, "shape")
  var list: [Int] = []
  for i in 0..<rank { list.append(Int(sizes[i])) }
  return try Shape(checking: list)
}

/// The type of a tensor over `bytes` bytes of a program's memory.
private func type(
  _ dtype: dlrun_dtype, _ sizes: UnsafePointer<Int64>?, _ rank: Int, _ bytes: Int
) throws(EngineError) -> TensorType {
  guard let d = DType(rawValue: UInt8(truncatingIfNeeded: dtype.rawValue)),
    dtype.rawValue <= 255
  else {
    throw EngineError(.dtype, "no element type has the number \(dtype.rawValue)")
  }
  guard d != .string else {
    throw EngineError(.dtype, "strings have no memory of their own", hint: "dlrun_value_strings")
  }
  let type = TensorType(d, try shape(sizes, rank))
  guard type.byteCount == bytes else {
    throw EngineError(
      .shape, "the memory does not have the size of \(type)", expected: "\(type.byteCount) bytes",
      received: "\(bytes)")
  }
  return type
}

private func store(
  _ handle: ValueHandle, _ out: UnsafeMutablePointer<OpaquePointer?>
) { out.pointee = HandleTable.add(handle) }

@c @implementation
public func dlrun_value_borrow(
  _ dtype: dlrun_dtype, _ shape: UnsafePointer<Int64>?, _ rank: Int,
  _ data: UnsafeMutableRawPointer?, _ size_bytes: Int, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    let type = try type(dtype, shape, rank, size_bytes)
    let memory = type.byteCount == 0 ? data ?? Storage.empty : try required(data, "data")
    store(
      ValueHandle(
        .tensor(Tensor(Storage(type, borrowing: memory, owner: nil))), isWritable: true), out)
  }
}

@c @implementation
public func dlrun_value_adopt(
  _ dtype: dlrun_dtype, _ shape: UnsafePointer<Int64>?, _ rank: Int,
  _ data: UnsafeMutableRawPointer?, _ size_bytes: Int,
  _ done: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?,
  _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    let done = try required(done, "done")
    let type = try type(dtype, shape, rank, size_bytes)
    let memory = type.byteCount == 0 ? data ?? Storage.empty : try required(data, "data")
    let storage = Storage(type, borrowing: memory, owner: AdoptedMemory(done, context))
    store(ValueHandle(.tensor(Tensor(storage)), isWritable: true), out)
  }
}

@c @implementation
public func dlrun_value_copy(
  _ dtype: dlrun_dtype, _ shape: UnsafePointer<Int64>?, _ rank: Int, _ data: UnsafeRawPointer?,
  _ size_bytes: Int, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    let type = try type(dtype, shape, rank, size_bytes)
    let storage = try Storage(type)
    if type.byteCount > 0 { memcpy(storage.bytes, try required(data, "data"), type.byteCount) }
    store(ValueHandle(.tensor(Tensor(storage))), out)
  }
}

@c @implementation
public func dlrun_value_strings(
  _ sizes: UnsafePointer<Int64>?, _ rank: Int,
  _ strings: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int>?,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    let shape = try shape(sizes, rank)
    var list: [String] = []
    if shape.count > 0 {
      let strings = try required(strings, "strings")
      for i in 0..<shape.count {
        let text = try required(strings[i], "string \(i)")
        let length = lengths.map { $0[i] } ?? strlen(text)
        let bytes = UnsafeRawBufferPointer(start: text, count: max(0, length))
        guard let string = String(validating: bytes, as: UTF8.self) else {
          throw EngineError(.value, "string \(i) is not UTF-8")
        }
        list.append(string)
      }
    }
    store(ValueHandle(.tensor(Tensor(Storage(shape, strings: list)))), out)
  }
}

@c @implementation
public func dlrun_value_sequence(
  _ elements: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    var list: [Value] = []
    if count > 0 {
      let elements = try required(elements, "elements")
      for i in 0..<count { list.append(try HandleTable.find(elements[i], ValueHandle.self).value) }
    }
    store(ValueHandle(.sequence(list)), out)
  }
}

@c @implementation
public func dlrun_value_optional(
  _ element: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    let inner: Value? =
      if let element { try HandleTable.find(element, ValueHandle.self).value } else { nil }
    store(ValueHandle(.optional(inner)), out)
  }
}

@c @implementation
public func dlrun_value_map(
  _ keys: OpaquePointer?, _ values: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    let keys = try HandleTable.find(keys, ValueHandle.self).tensor()
    let values = try HandleTable.find(values, ValueHandle.self).value
    guard keys.dtype == .int64 || keys.dtype == .string, keys.shape.rank == 1 else {
      throw EngineError(
        .dtype, "keys of a map", expected: "int64 or string with one axis",
        received: "\(keys.type)")
    }
    let count: Int =
      switch values {
      case .tensor(let t): t.count
      case .sequence(let list): list.count
      default: -1
      }
    guard count == keys.count else {
      throw EngineError(
        .shape, "a map needs as many values as keys", expected: "\(keys.count)",
        received: "\(count)")
    }
    store(ValueHandle(.map(MapValue(keys: keys, values: values))), out)
  }
}

@c @implementation
public func dlrun_value_read(
  _ path: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let out = try required(out, "out")
    let path = String(cString: try required(path, "path"))
    // A .pb may hold a sequence or an optional as well.
    if path.hasSuffix(".pb") {
      store(ValueHandle(try TensorProtoFile.read(path, expecting: .tensor(nil, nil))), out)
      return
    }
    let tensors = try TensorFile.read(path)
    guard tensors.count == 1 else {
      throw EngineError(
        .usage, "the file holds \(tensors.count) tensors", expected: "one",
        subject: .init(file: path))
    }
    store(ValueHandle(.tensor(tensors[0].value)), out)
  }
}

@c @implementation
public func dlrun_value_release(_ value: OpaquePointer?) {
  HandleTable.remove(value, ValueHandle.self)
}

@c @implementation
public func dlrun_value_kind(
  _ value: OpaquePointer?, _ out: UnsafeMutablePointer<dlrun_kind>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let handle = try HandleTable.find(value, ValueHandle.self)
    let kind: dlrun_kind =
      switch handle.value {
      case .tensor: DLRUN_TENSOR
      case .sequence: DLRUN_SEQUENCE
      case .optional: DLRUN_OPTIONAL
      case .map: DLRUN_MAP
      }
    try required(out, "out").pointee = kind
  }
}

@c @implementation
public func dlrun_value_type(
  _ value: OpaquePointer?, _ dtype: UnsafeMutablePointer<dlrun_dtype>?,
  _ rank: UnsafeMutablePointer<Int>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let t = try HandleTable.find(value, ValueHandle.self).tensor()
    dtype?.pointee = dlrun_dtype(rawValue: UInt32(t.dtype.rawValue))
    rank?.pointee = t.shape.rank
  }
}

@c @implementation
public func dlrun_value_shape(
  _ value: OpaquePointer?, _ shape: UnsafeMutablePointer<Int64>?, _ capacity: Int
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let t = try HandleTable.find(value, ValueHandle.self).tensor()
    guard capacity >= t.shape.rank else {
      throw EngineError(
        .usage, "no room for the shape", expected: "\(t.shape.rank) sizes", received: "\(capacity)")
    }
    if t.shape.rank == 0 { return }
    let shape = try required(shape, "shape")
    for i in 0..<t.shape.rank { shape[i] = Int64(t.shape[i]) }
  }
}

@c @implementation
public func dlrun_value_data(
  _ value: OpaquePointer?, _ data: UnsafeMutablePointer<UnsafeRawPointer?>?,
  _ size_bytes: UnsafeMutablePointer<Int>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let t = try HandleTable.find(value, ValueHandle.self).tensor()
    guard t.dtype != .string else {
      throw EngineError(.dtype, "strings are read one by one", hint: "dlrun_value_string")
    }
    data?.pointee = UnsafeRawPointer(t.storage.bytes)
    size_bytes?.pointee = t.byteCount
  }
}

@c @implementation
public func dlrun_value_string(
  _ value: OpaquePointer?, _ index: Int, _ string: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ length: UnsafeMutablePointer<Int>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let (text, count) = try HandleTable.find(value, ValueHandle.self).string(index)
    string?.pointee = text
    length?.pointee = count
  }
}

/// The values within a container.
private func elements(of value: Value) throws(EngineError) -> [Value] {
  switch value {
  case .tensor: throw EngineError(.dtype, "a tensor has no values within")
  case .sequence(let list): return list
  case .optional(let inner): return inner.map { [$0] } ?? []
  case .map(let map): return [.tensor(map.keys), map.values]
  }
}

@c @implementation
public func dlrun_value_count(
  _ value: OpaquePointer?, _ out: UnsafeMutablePointer<Int>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let handle = try HandleTable.find(value, ValueHandle.self)
    try required(out, "out").pointee = try elements(of: handle.value).count
  }
}

@c @implementation
public func dlrun_value_element(
  _ value: OpaquePointer?, _ index: Int, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> dlrun_status {
  attempt { () throws(EngineError) in
    let handle = try HandleTable.find(value, ValueHandle.self)
    let out = try required(out, "out")
    let elements = try elements(of: handle.value)
    guard elements.indices.contains(index) else {
      throw EngineError(
        .usage, "element \(index) does not exist", expected: "fewer than \(elements.count)")
    }
    store(ValueHandle(elements[index]), out)
  }
}
