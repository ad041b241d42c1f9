import Tensors

extension ReadContext {
  /// A tensor whose elements lie in one of the typed fields, narrow types in wider numbers.
  ///
  /// Errors: `.invalidModel` for the wrong field, a wrong number of elements or a number that the
  /// element type cannot hold.
  func typedTensor(_ m: PB.Tensor, _ type: TensorType) throws(EngineError) -> Tensor {
    let n = type.count
    switch type.dtype {
    case .float32: return try copy(scalars(m.n_float_data, m.float_data), n, type, "float_data")
    case .complex64:
      return try copy(scalars(m.n_float_data, m.float_data), 2 * n, type, "float_data")
    case .float64: return try copy(scalars(m.n_double_data, m.double_data), n, type, "double_data")
    case .complex128:
      return try copy(scalars(m.n_double_data, m.double_data), 2 * n, type, "double_data")
    case .int64: return try copy(scalars(m.n_int64_data, m.int64_data), n, type, "int64_data")
    case .uint64: return try copy(scalars(m.n_uint64_data, m.uint64_data), n, type, "uint64_data")
    case .int32: return try copy(scalars(m.n_int32_data, m.int32_data), n, type, "int32_data")
    case .uint32:
      return try narrow(
        scalars(m.n_uint64_data, m.uint64_data), n, type, "uint64_data", 0...UInt64(UInt32.max)
      ) { UInt32(truncatingIfNeeded: $0) }
    case .int16:
      return try narrow(int32(m), n, type, "int32_data", -32768...32767) {
        UInt16(truncatingIfNeeded: $0)
      }
    case .uint16, .float16, .bfloat16:
      return try narrow(int32(m), n, type, "int32_data", 0...65535) {
        UInt16(truncatingIfNeeded: $0)
      }
    case .int8:
      return try narrow(int32(m), n, type, "int32_data", -128...127) {
        UInt8(truncatingIfNeeded: $0)
      }
    case .bool:
      return try narrow(int32(m), n, type, "int32_data", 0...1) { UInt8(truncatingIfNeeded: $0) }
    case .uint8, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0:
      return try narrow(int32(m), n, type, "int32_data", 0...255) { UInt8(truncatingIfNeeded: $0) }
    case .int4, .uint4, .float4e2m1, .int2, .uint2:
      // Each number holds a byte of packed elements; writers disagree on its sign.
      return try narrow(int32(m), type.byteCount, type, "int32_data", -128...255) {
        UInt8(truncatingIfNeeded: $0)
      }
    case .float6e2m3, .float6e3m2:
      // Each number holds one element, unlike the packed kinds below six bits.
      let codes = int32(m)
      try checkCount(codes.count, n, type, "int32_data")
      let packed = PackedElements(type.dtype)
      return try Tensor(type) { (target) throws(EngineError) in
        for i in target.indices { target[i] = 0 }
        guard let base = target.baseAddress else { return }
        for (i, v) in codes.enumerated() {
          guard v >= 0, v < 64 else {
            throw EngineError(
              .invalidModel, "element \(i) of int32_data does not fit \(type.dtype)",
              expected: "0 to 63", received: "\(v)")
          }
          packed?.add(UInt8(v), base, i)
        }
      }
    case .string: return try stringTensor(m, type)
    }
  }

  private func int32(_ m: PB.Tensor) -> UnsafeBufferPointer<Int32> {
    scalars(m.n_int32_data, m.int32_data)
  }

  private func checkCount(
    _ received: Int, _ expected: Int, _ type: TensorType, _ field: String
  ) throws(EngineError) {
    guard received == expected else {
      throw EngineError(
        .invalidModel, "\(field) has the wrong number of elements for \(type)",
        expected: "\(expected)", received: "\(received)")
    }
  }

  private func copy<T>(
    _ elements: UnsafeBufferPointer<T>, _ count: Int, _ type: TensorType, _ field: String
  ) throws(EngineError) -> Tensor {
    try checkCount(elements.count, count, type, field)
    return try Tensor(type) { (target) throws(EngineError) in
      target.copyMemory(from: UnsafeRawBufferPointer(elements))
    }
  }

  private func narrow<T: FixedWidthInteger, U: FixedWidthInteger>(
    _ elements: UnsafeBufferPointer<T>, _ count: Int, _ type: TensorType, _ field: String,
    _ legal: ClosedRange<T>, _ convert: (T) -> U
  ) throws(EngineError) -> Tensor {
    try checkCount(elements.count, count, type, field)
    return try Tensor(type) { (target) throws(EngineError) in
      for (i, v) in elements.enumerated() {
        guard legal.contains(v) else {
          throw EngineError(
            .invalidModel, "element \(i) of \(field) does not fit \(type.dtype)",
            expected: "\(legal.lowerBound) to \(legal.upperBound)", received: "\(v)")
        }
        target.storeBytes(of: convert(v), toByteOffset: i * U.bitWidth / 8, as: U.self)
      }
    }
  }

  private func stringTensor(_ m: PB.Tensor, _ type: TensorType) throws(EngineError) -> Tensor {
    let items = scalars(m.n_string_data, m.string_data)
    try checkCount(items.count, type.count, type, "string_data")
    var strings: [String] = []
    strings.reserveCapacity(items.count)
    for (i, item) in items.enumerated() {
      // The format declares bytes; every operator on strings means UTF-8.
      guard let s = String(validating: bytes(item), as: UTF8.self) else {
        throw EngineError(.invalidModel, "element \(i) of string_data is not UTF-8")
      }
      strings.append(s)
    }
    return try Tensor(shape: type.shape, strings: strings)
  }
}
