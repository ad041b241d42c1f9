import Tensors

/// Reads and writes safetensors: a JSON header, then the elements of every tensor without gaps.
///
/// Refused are headers over 100 MB, names twice, tensors that overlap, leave holes or do not end with
/// the file, and sizes that do not fit their shapes.
///
/// Source: the format description and tests of safetensors 0.8.
public enum SafeTensors {
  public struct Contents: Sendable {
    /// In the order of their data.
    public var tensors: [(name: String, value: Tensor)] = []
    /// In the order of the file.
    public var metadata: [(key: String, value: String)] = []
    public init() {}
  }

  static let maxHeader = 100_000_000

  /// Tensors as views of the mapped file, wherever they lie aligned.
  ///
  /// Errors: `.inputMissing`, `.malformed`, `.unsupported`, `.shape`, `.budget`, each naming the file.
  public static func read(
    _ path: String, limits: TensorLimits = TensorLimits()
  ) throws(EngineError) -> Contents {
    let file = try InputFile(path)
    defer { withExtendedLifetime(file) {} }
    do throws(EngineError) {
      return try read(file.bytes, owner: file, limits: limits)
    } catch {
      throw error.at(file: path)
    }
  }

  /// - `owner`: keeps `bytes` alive; without it the elements are copied.
  public static func read(
    _ bytes: UnsafeRawBufferPointer, owner: AnyObject? = nil, limits: TensorLimits = TensorLimits()
  ) throws(EngineError) -> Contents {
    guard let length = bytes.little(UInt64.self, at: 0), length <= UInt64(maxHeader),
      let text = bytes.slice(8, Int(length)),
      let data = bytes.slice(8 + Int(length), bytes.count - 8 - Int(length))
    else {
      throw EngineError(
        .malformed, "the file is too short for its safetensors header, or the header is too long",
        received: "\(bytes.count) bytes")
    }
    guard text.first == 0x7B else {
      throw EngineError(
        .malformed, "the safetensors header does not begin with '{'", subject: .init(offset: 8))
    }
    let header = try JSONParser.parse(text, limits: limits)
    guard let members = header.asObject, members.count <= limits.members + 1 else {
      throw EngineError(
        .budget, "the file holds too many tensors", expected: "at most \(limits.members)")
    }
    var contents = Contents()
    var entries: [SafeTensorsEntry] = []
    for (name, value) in zip(members.keys, members.values) {
      if name == "__metadata__" {
        contents.metadata = try metadata(value)
      } else {
        entries.append(try SafeTensorsEntry(name, value))
      }
    }
    entries.sort { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
    var free = 0
    for entry in entries {
      guard entry.begin == free else {
        throw EngineError(
          .malformed, "tensor '\(entry.name)' leaves a gap or overlaps another",
          expected: "data from \(free) on", received: "\(entry.begin)")
      }
      guard let view = data.slice(entry.begin, entry.end - entry.begin) else {
        throw EngineError(
          .malformed, "tensor '\(entry.name)' goes past the end of the file",
          expected: "at most \(data.count)", received: "\(entry.end)")
      }
      free = entry.end
      contents.tensors.append((entry.name, try tensor(entry, view, owner)))
    }
    guard free == data.count else {
      throw EngineError(
        .malformed, "bytes follow the last tensor", expected: "\(free)", received: "\(data.count)")
    }
    return contents
  }

  private static func metadata(
    _ value: JSONValue
  ) throws(EngineError) -> [(key: String, value: String)] {
    guard let object = value.asObject else {
      throw EngineError(.malformed, "__metadata__ is no object", received: value.kind)
    }
    var result: [(key: String, value: String)] = []
    for (key, value) in zip(object.keys, object.values) {
      guard let text = value.asString else {
        throw EngineError(
          .malformed, "metadata '\(key)' is wrong", expected: "a string", received: value.kind)
      }
      result.append((key, text))
    }
    return result
  }

  private static func tensor(
    _ entry: SafeTensorsEntry, _ view: UnsafeRawBufferPointer, _ owner: AnyObject?
  ) throws(EngineError) -> Tensor {
    if entry.type.dtype == .bool, let wrong = view.firstIndex(where: { $0 > 1 }) {
      throw EngineError(
        .malformed, "tensor '\(entry.name)' is of booleans", expected: "0 or 1",
        received: "\(view[wrong])")
    }
    let width = entry.type.dtype == .complex64 ? 4 : max(entry.type.dtype.byteSize, 1)
    if let owner, let base = view.baseAddress, UInt(bitPattern: base) % UInt(width) == 0 {
      let start = UnsafeMutableRawPointer(mutating: base)
      return Tensor(Storage(entry.type, borrowing: start, owner: owner))
    }
    return try Tensor(entry.type) { out in out.copyMemory(from: view) }
  }

  /// Writes tensors and metadata. The order given does not matter: wide elements come first, names
  /// in order, so that every tensor lies aligned and the same contents give the same bytes.
  ///
  /// Errors: `.usage` for a name twice or `__metadata__`; `.dtype` for strings, complex128 and the
  /// packed integers, which the format does not have; those of the sink.
  public static func write(
    _ contents: Contents, to sink: inout some ByteSink
  ) throws(EngineError) {
    var items: [(rank: Int, name: String, value: Tensor)] = []
    var names: Set<String> = []
    for (name, tensor) in contents.tensors {
      guard let rank = SafeTensorsEntry.names.firstIndex(where: { $0.dtype == tensor.dtype }) else {
        throw EngineError(
          .dtype, "safetensors has no elements of \(tensor.dtype)", received: "tensor '\(name)'",
          hint: "cast the tensor, or write .npz")
      }
      guard name != "__metadata__", names.insert(name).inserted else {
        throw EngineError(.usage, "two tensors would be named '\(name)'")
      }
      items.append((rank, name, tensor))
    }
    items.sort { ($0.rank, $0.name) < ($1.rank, $1.name) }
    var header = JSONObject()
    if !contents.metadata.isEmpty {
      var object = JSONObject()
      for (key, value) in contents.metadata.sorted(by: { $0.key < $1.key }) {
        guard object[key] == nil else {
          throw EngineError(.usage, "metadata '\(key)' is given twice")
        }
        object.append(key, .string(value))
      }
      header.append("__metadata__", .object(object))
    }
    var offset: Int64 = 0
    for (rank, name, tensor) in items {
      let end = offset + Int64(tensor.byteCount)
      header.append(
        name,
        [
          "dtype": .string(SafeTensorsEntry.names[rank].name),
          "shape": .array(tensor.shape.array.map { .int(Int64($0)) }),
          "data_offsets": [.int(offset), .int(end)],
        ])
      offset = end
    }
    var text = JSONWriter.bytes(of: .object(header))
    // The data begins at a multiple of 64 bytes.
    text.append(contentsOf: repeatElement(0x20, count: (64 - (8 + text.count) % 64) % 64))
    guard text.count <= maxHeader else {
      throw EngineError(.budget, "the safetensors header would be over \(maxHeader) bytes")
    }
    var length: [UInt8] = []
    length.appendLittle(UInt64(text.count))
    try sink.write(length)
    try sink.write(text)
    for item in items where item.value.byteCount > 0 {
      try item.value.withUnsafeBytes { (bytes) throws(EngineError) in try sink.write(bytes) }
    }
  }
}
