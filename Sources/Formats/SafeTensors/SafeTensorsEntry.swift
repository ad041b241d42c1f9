import Tensors

/// What the header says of one tensor.
struct SafeTensorsEntry {
  let name: String
  let type: TensorType
  let begin: Int
  let end: Int

  /// The format's names of element types, from the widest to the narrowest.
  static let names: [(name: String, dtype: DType)] = [
    ("C64", .complex64), ("F64", .float64), ("I64", .int64), ("U64", .uint64), ("F32", .float32),
    ("I32", .int32), ("U32", .uint32), ("BF16", .bfloat16), ("F16", .float16), ("I16", .int16),
    ("U16", .uint16), ("F8_E4M3", .float8e4m3fn), ("F8_E4M3FNUZ", .float8e4m3fnuz),
    ("F8_E5M2", .float8e5m2), ("F8_E5M2FNUZ", .float8e5m2fnuz), ("F8_E8M0", .float8e8m0),
    ("I8", .int8), ("U8", .uint8), ("BOOL", .bool), ("F4", .float4e2m1),
  ]

  /// Errors: `.malformed`; `.unsupported` for a type that dlrun does not have; `.shape`.
  init(_ name: String, _ value: JSONValue) throws(EngineError) {
    func malformed(_ message: String, _ received: String? = nil) -> EngineError {
      EngineError(.malformed, "tensor '\(name)': \(message)", received: received)
    }
    guard let object = value.asObject, object.count == 3, let dtype = object["dtype"]?.asString,
      let shape = object["shape"]?.asArray, let offsets = object["data_offsets"]?.asArray
    else { throw malformed("its entry is not of dtype, shape and data_offsets") }
    guard let known = SafeTensorsEntry.names.first(where: { $0.name == dtype })?.dtype else {
      throw EngineError(
        .unsupported, "tensor '\(name)' has elements of type '\(dtype)'",
        expected: SafeTensorsEntry.names.map { $0.name }.joined(separator: ", "))
    }
    var dims: [Int] = []
    for size in shape {
      guard let size = size.asInt, size >= 0 else {
        throw malformed("a size is no whole number", size.kind)
      }
      dims.append(size)
    }
    guard offsets.count == 2, let begin = offsets[0].asInt, let end = offsets[1].asInt, begin >= 0,
      begin <= end
    else { throw malformed("its data_offsets are not two places in order") }
    self.name = name
    self.begin = begin
    self.end = end
    do throws(EngineError) {
      type = TensorType(known, try Shape(checking: dims))
    } catch {
      throw EngineError(
        error.code, "tensor '\(name)': \(error.message)", expected: error.expected,
        received: error.received)
    }
    let (bits, overflow) = type.count.multipliedReportingOverflow(by: known.bits)
    guard !overflow, bits % 8 == 0, bits / 8 == end - begin else {
      throw EngineError(
        .malformed, "tensor '\(name)': its data does not fit \(type)",
        expected: overflow ? nil : "\(bits) bits", received: "\(end - begin) bytes")
    }
  }
}
