import Glibc
import Graphs
import Tensors

extension ReadContext {
  /// The tensor of a message: a view of the file where its bytes lie aligned, else a copy.
  ///
  /// `place` says which tensor it is, for messages.
  ///
  /// Errors: `.invalidModel` for an illegal type, shape or amount of data; `.unsupported` for a
  /// type this build does not have; `.shape` for a rank above `Shape.maxRank` or sizes that
  /// overflow; those of `ExternalData`.
  func tensor(_ message: UnsafeMutablePointer<PB.Tensor>, _ place: String) throws(EngineError)
    -> Tensor
  {
    do throws(EngineError) { return try tensor(message.pointee) } catch {
      throw EngineError(
        error.code, "\(place): \(error.message)", expected: error.expected,
        received: error.received, hint: error.hint, subject: error.subject, cause: error.cause)
    }
  }

  private func tensor(_ m: PB.Tensor) throws(EngineError) -> Tensor {
    let dtype = try dtype(m.has_data_type != 0 ? m.data_type : 0)
    if m.segment != nil {
      throw EngineError(.unsupported, "the tensor is stored in segments")
    }
    var sizes: [Int] = []
    for d in scalars(m.n_dims, m.dims) { sizes.append(Int(d)) }
    if let negative = sizes.first(where: { $0 < 0 }) {
      throw EngineError(.invalidModel, "the tensor has a negative size", received: "\(negative)")
    }
    let type = TensorType(dtype, try Shape(checking: sizes))
    try checkOneSource(m, type)
    if m.data_location == 1 { return try externalTensor(m, type) }
    guard m.data_location == 0 else {
      throw EngineError(
        .invalidModel, "data_location is illegal", expected: "0 or 1",
        received: "\(m.data_location)")
    }
    if m.has_cut != 0 {
      guard Int(m.cut) < cuts.count else {
        throw EngineError(.internalDefect, "a tensor refers to no place in the file")
      }
      return try fileTensor(type, cuts[Int(m.cut)].payload)
    }
    if m.has_raw_data != 0 {
      let raw = bytes(m.raw_data)
      try checkBytes(type, raw.count)
      return try checked(
        Tensor(type) { (target) throws(EngineError) in target.copyMemory(from: raw) })
    }
    return try typedTensor(m, type)
  }

  /// The element type of a number in a file.
  func dtype(_ code: Int32) throws(EngineError) -> DType {
    if let raw = UInt8(exactly: code), let dtype = DType(rawValue: raw) { return dtype }
    switch code {
    case 0: throw EngineError(.invalidModel, "the tensor has no element type")
    default:
      throw EngineError(
        .invalidModel, "the element type is unknown", expected: "1 to 28", received: "\(code)")
    }
  }

  /// Whether exactly one field carries data, and none where there are no elements.
  private func checkOneSource(_ m: PB.Tensor, _ type: TensorType) throws(EngineError) {
    var used: [String] = []
    if m.has_cut != 0 || m.raw_data.len > 0 { used.append("raw_data") }
    if m.n_float_data > 0 { used.append("float_data") }
    if m.n_int32_data > 0 { used.append("int32_data") }
    if m.n_int64_data > 0 { used.append("int64_data") }
    if m.n_double_data > 0 { used.append("double_data") }
    if m.n_uint64_data > 0 { used.append("uint64_data") }
    if m.n_string_data > 0 { used.append("string_data") }
    if m.data_location == 1 { used.append("external_data") }
    guard used.count <= 1 else {
      throw EngineError(
        .invalidModel, "the tensor has data in several fields", expected: "one",
        received: used.joined(separator: " and "))
    }
    if type.count == 0, let field = used.first, field != "external_data" {
      throw EngineError(.invalidModel, "a tensor without elements has data", received: field)
    }
    if type.dtype == .string, let field = used.first, field != "string_data" {
      throw EngineError(
        .invalidModel, "strings are in the wrong field", expected: "string_data", received: field)
    }
  }

  func checkBytes(_ type: TensorType, _ count: Int) throws(EngineError) {
    guard count == type.byteCount else {
      throw EngineError(
        .invalidModel, "raw_data has the wrong length for \(type)",
        expected: "\(type.byteCount) bytes", received: "\(count)")
    }
  }

  /// A tensor in the model file itself.
  private func fileTensor(_ type: TensorType, _ range: Range<Int>) throws(EngineError) -> Tensor {
    do throws(EngineError) {
      try checkBytes(type, range.count)
      return try checked(Tensor.reading(type, range, of: source))
    } catch { throw error.at(offset: range.lowerBound) }
  }

  /// Bytes other than 0 and 1 are no values of `Bool`.
  func checked(_ tensor: Tensor) throws(EngineError) -> Tensor {
    guard tensor.dtype == .bool, let bad = tensor.rawBytes.first(where: { $0 > 1 }) else {
      return tensor
    }
    throw EngineError(
      .invalidModel, "a bool is neither 0 nor 1", expected: "0 or 1", received: "\(bad)")
  }

  private func externalTensor(_ m: PB.Tensor, _ type: TensorType) throws(EngineError) -> Tensor {
    guard let external else {
      throw EngineError(
        .unsupported, "the tensor is in external data, which only a model in a plain file can have",
        hint: "read the model from its own folder, uncompressed")
    }
    let entries = metadata(m.n_external_data, m.external_data)
    return try checked(external.tensor(type, entries))
  }
}

extension Tensor {
  /// Bytes from which on a mapped weight stays where it is, aligned or not.
  private static let largeBytes = 1 << 16

  /// The bytes of a file as a tensor: in place where they lie aligned for the element type, else
  /// copied. Protobuf aligns nothing, so most weights of one-file models lie anywhere; large ones
  /// stay in the mapping all the same, since x86-64 and arm64 load from any address and the copies
  /// would double what a model takes.
  package static func reading(
    _ type: TensorType, _ range: Range<Int>, of source: FileBytes
  ) throws(EngineError) -> Tensor {
    // The two halves of a complex number are read by themselves.
    let element = type.dtype == .complex64 || type.dtype == .complex128 ? 2 : 1
    let alignment = max(type.dtype.byteSize / element, 1)
    if let base = source.bytes.baseAddress {
      let start = UnsafeMutableRawPointer(mutating: base + range.lowerBound)
      if UInt(bitPattern: start) % UInt(alignment) == 0
        || (source.isMapped && range.count >= largeBytes)
      {
        return Tensor(Storage(type, borrowing: start, owner: source))
      }
    }
    return try Tensor(type) { (target) throws(EngineError) in
      if let start = target.baseAddress { try source.copy(range, into: start) }
    }
  }
}
