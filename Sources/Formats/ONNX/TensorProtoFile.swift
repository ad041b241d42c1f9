import Graphs
import Tensors

/// Files that hold one value: a serialised tensor, sequence, optional or map, as test data has.
///
/// The format does not say which of them a file is; the caller's expected type decides, and
/// without one they are tried in that order.
public enum TensorProtoFile {
  /// Errors: as `ONNXReader`; `.malformed` when the bytes are none of the four.
  public static func read(
    _ path: String, expecting type: ValueType? = nil, limits: ReadLimits = ReadLimits()
  ) throws(EngineError) -> Value {
    do throws(EngineError) {
      return try read(
        try FileBytes(mapping: path, limit: limits.maxFileBytes), path, type, limits)
    } catch { throw error.at(file: path) }
  }

  public static func read(
    bytes: [UInt8], name: String = "tensor", expecting type: ValueType? = nil,
    limits: ReadLimits = ReadLimits()
  ) throws(EngineError) -> Value {
    let source: Result<FileBytes, EngineError> = bytes.withUnsafeBytes { buffer in
      do throws(EngineError) { return .success(try FileBytes(copying: buffer)) } catch {
        return .failure(error)
      }
    }
    do throws(EngineError) { return try read(try source.get(), name, type, limits) } catch {
      throw error.at(file: name)
    }
  }

  private enum Kind { case tensor, sequence, optional, map }

  private static func read(
    _ source: FileBytes, _ name: String, _ type: ValueType?, _ limits: ReadLimits
  ) throws(EngineError) -> Value {
    var source = source
    if Gzip.isGzip(source.bytes) {
      source = try Gzip.inflate(source.bytes, limit: limits.maxFileBytes)
    }
    let kinds: [Kind] =
      switch type {
      case .tensor, .sparseTensor: [.tensor]
      case .sequence: [.sequence]
      case .optional: [.optional, .tensor, .sequence]
      case .map: [.map]
      case nil: [.tensor, .sequence, .optional, .map]
      }
    var first: EngineError?
    for kind in kinds {
      do throws(EngineError) {
        return try read(source, name, kind, limits)
      } catch { first = first ?? error }
    }
    throw first ?? EngineError(.internalDefect, "no kind of value was tried")
  }

  private static func read(
    _ source: FileBytes, _ name: String, _ kind: Kind, _ limits: ReadLimits
  ) throws(EngineError) -> Value {
    func context(_ cuts: [WireScan.Cut]) -> ReadContext {
      ReadContext(file: name, source: source, limits: limits, cuts: cuts, external: nil)
    }
    switch kind {
    case .tensor:
      let m = try Decoded(source, MessageKind.tensor, limits: limits)
      return .tensor(try context(m.cuts).tensor(m.message, "tensor"))
    case .sequence:
      let m = try Decoded(source, MessageKind.sequence, limits: limits)
      return try context(m.cuts).sequence(m.message.pointee)
    case .optional:
      let m = try Decoded(source, MessageKind.optional, limits: limits)
      return try context(m.cuts).optional(m.message.pointee)
    case .map:
      let m = try Decoded(source, MessageKind.map, limits: limits)
      return try context(m.cuts).map(m.message.pointee)
    }
  }
}

extension ReadContext {
  /// Errors: `.invalidModel` when the elements are not of the stated kind.
  func sequence(_ m: PB.Sequence) throws(EngineError) -> Value {
    let counts = [
      0, m.n_tensor_values, m.n_sparse_tensor_values, m.n_sequence_values, m.n_map_values,
      m.n_optional_values,
    ]
    let kind = Int(m.elem_type)
    guard counts.indices.contains(kind) else {
      throw EngineError(
        .invalidModel, "the sequence's element kind is unknown", expected: "0 to 5",
        received: "\(kind)")
    }
    guard counts.indices.allSatisfy({ $0 == kind || counts[$0] == 0 }) else {
      throw EngineError(.invalidModel, "the sequence holds values of another kind than it states")
    }
    var values: [Value] = []
    for t in list(m.n_tensor_values, m.tensor_values) {
      values.append(.tensor(try tensor(t, "element \(values.count)")))
    }
    for s in list(m.n_sequence_values, m.sequence_values) {
      values.append(try sequence(s.pointee))
    }
    for s in list(m.n_map_values, m.map_values) { values.append(try map(s.pointee)) }
    for s in list(m.n_optional_values, m.optional_values) {
      values.append(try optional(s.pointee))
    }
    if m.n_sparse_tensor_values > 0 {
      throw EngineError(.unsupported, "sequences of sparse tensors are not supported")
    }
    return .sequence(values)
  }

  func optional(_ m: PB.Optional) throws(EngineError) -> Value {
    if let t = m.tensor_value { return .optional(.tensor(try tensor(t, "optional"))) }
    if let s = m.sequence_value { return .optional(try sequence(s.pointee)) }
    if let s = m.map_value { return .optional(try map(s.pointee)) }
    if let s = m.optional_value { return .optional(try optional(s.pointee)) }
    if m.sparse_tensor_value != nil {
      throw EngineError(.unsupported, "optional sparse tensors are not supported")
    }
    return .optional(nil)
  }

  /// Errors: `.invalidModel` for keys of an illegal type or other in number than the values.
  func map(_ m: PB.Map) throws(EngineError) -> Value {
    let type = try dtype(m.key_type)
    let keys: Tensor
    if type == .string {
      var strings: [String] = []
      for k in scalars(m.n_string_keys, m.string_keys) {
        guard let s = String(validating: bytes(k), as: UTF8.self) else {
          throw EngineError(.invalidModel, "a key of the map is not UTF-8")
        }
        strings.append(s)
      }
      keys = try Tensor(shape: [strings.count], strings: strings)
    } else if type == .int64 {
      keys = try Tensor(Array(scalars(m.n_keys, m.keys)))
    } else {
      throw EngineError(
        .unsupported, "maps with keys of this type are not supported",
        expected: "int64 or string", received: "\(type)")
    }
    guard let list = m.values else { throw EngineError(.invalidModel, "the map has no values") }
    let values = try sequence(list.pointee)
    guard case .sequence(let items) = values, items.count == keys.count else {
      throw EngineError(.invalidModel, "the map has not as many values as keys")
    }
    return .map(MapValue(keys: keys, values: values))
  }
}
