import Tensors

/// Reads and writes NumPy's array files, versions 1.0 to 3.0.
///
/// Read: `f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1 c8 c16` of either byte order, `U` and `S` as strings
/// (without the zeros at their ends; `S` must be UTF-8), `V2` as bfloat16. Arrays in Fortran order
/// are turned round. Python objects are refused: reading them would run code.
///
/// What NumPy has no type for is written so that nothing is lost silently: bfloat16 as `<V2`, as
/// ml_dtypes writes it; 8-bit floats and float4 as `|V1`, a byte an element, which can only be read
/// again by saying what they are; packed integers widened to `i1` and `u1`.
public enum NPY {
  /// The array in `bytes`, which must hold nothing else.
  ///
  /// - `owner`: keeps `bytes` alive. With it the tensor is a view of them where order and alignment
  ///   allow; without it the elements are copied.
  /// - `raw`: the type of one-byte elements of type `V1`.
  ///
  /// Errors: `.malformed`, `.unsupported`, `.shape`, `.dtype`, `.budget`.
  public static func read(
    _ bytes: UnsafeRawBufferPointer, owner: AnyObject? = nil, raw: DType? = nil,
    limits: TensorLimits = TensorLimits()
  ) throws(EngineError) -> Tensor {
    let header = try NPYHeader(bytes)
    let element = try NPYElement(header.descr, raw: raw)
    guard let data = bytes.slice(header.dataOffset, bytes.count - header.dataOffset) else {
      throw EngineError(.malformed, "the NPY file is cut off")
    }
    let shape = try Shape(checking: header.dims)
    let (expected, overflow) = shape.count.multipliedReportingOverflow(by: element.size)
    guard !overflow, data.count == expected else {
      throw EngineError(
        .malformed, "the data of the NPY file does not fit shape \(shape) of '\(header.descr)'",
        expected: overflow ? nil : "\(expected) bytes", received: "\(data.count)",
        subject: .init(offset: header.dataOffset))
    }
    let order = header.isFortran && shape.rank > 1
    switch element.kind {
    case .unicode, .bytes:
      let strings = try NPYText.read(data, element, shape, limits)
      return try Tensor(shape: shape, strings: order ? fromFortran(strings, shape) : strings)
    case .number(let dtype):
      let type = TensorType(dtype, shape)
      let swapped = element.isBigEndian && element.size > 1
      let aligned =
        UInt(bitPattern: data.baseAddress) % UInt(min(element.size, 8)) == 0
      if let owner, !order, !swapped, aligned, dtype != .bool, !dtype.isPacked,
        let base = data.baseAddress
      {
        return Tensor(
          Storage(type, borrowing: UnsafeMutableRawPointer(mutating: base), owner: owner))
      }
      return try Tensor(type) { (out) throws(EngineError) in
        if dtype.isPacked {
          try pack(data, type, order, out)
          return
        }
        if order {
          fromFortran(data, shape, element.size, out)
        } else {
          out.copyMemory(from: data)
        }
        let isComplex = dtype == .complex64 || dtype == .complex128
        if swapped { swap(out, isComplex ? element.size / 2 : element.size) }
        // Any other byte would not be a Bool.
        if dtype == .bool { for i in 0..<out.count where out[i] > 1 { out[i] = 1 } }
      }
    }
  }

  /// The array in an owned array of bytes.
  public static func read(_ bytes: [UInt8], raw: DType? = nil) throws(EngineError) -> Tensor {
    let outcome = bytes.withUnsafeBytes { buffer -> Result<Tensor, EngineError> in
      do throws(EngineError) {
        return .success(try read(buffer, owner: nil, raw: raw))
      } catch { return .failure(error) }
    }
    return try outcome.get()
  }

  /// Reverses the bytes of each word.
  private static func swap(_ bytes: UnsafeMutableRawBufferPointer, _ width: Int) {
    func turn<T: FixedWidthInteger>(_: T.Type) {
      let words = bytes.bindMemory(to: T.self)
      for i in words.indices { words[i] = words[i].byteSwapped }
    }
    switch width {
    case 2: turn(UInt16.self)
    case 4: turn(UInt32.self)
    case 8: turn(UInt64.self)
    default: break
    }
  }

  /// float4 from a byte an element.
  private static func pack(
    _ data: UnsafeRawBufferPointer, _ type: TensorType, _ order: Bool,
    _ out: UnsafeMutableRawBufferPointer
  ) throws(EngineError) {
    out.initializeMemory(as: UInt8.self, repeating: 0)
    let elements = order ? fromFortran(Array(data), type.shape) : Array(data)
    for (i, value) in elements.enumerated() {
      guard value < 16 else {
        throw EngineError(.value, "an element does not fit 4 bits", received: "\(value)")
      }
      out[i / 2] |= value << UInt8(4 * (i % 2))
    }
  }

  /// Calls `body` with the place in column-major order of every element in row-major order.
  private static func walk(_ shape: Shape, _ body: (Int) -> Void) {
    guard shape.count > 0 else { return }
    var strides = InlineArray<8, Int>(repeating: 0)
    var step = 1
    for axis in 0..<shape.rank {
      strides[axis] = step
      step *= shape[axis]
    }
    var index = InlineArray<8, Int>(repeating: 0)
    var place = 0
    for _ in 0..<shape.count {
      body(place)
      var axis = shape.rank - 1
      while axis >= 0 {
        index[axis] += 1
        place += strides[axis]
        if index[axis] < shape[axis] { break }
        place -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }

  private static func fromFortran<T>(_ list: [T], _ shape: Shape) -> [T] {
    var result: [T] = []
    result.reserveCapacity(list.count)
    walk(shape) { result.append(list[$0]) }
    return result
  }

  private static func fromFortran(
    _ data: UnsafeRawBufferPointer, _ shape: Shape, _ size: Int,
    _ out: UnsafeMutableRawBufferPointer
  ) {
    func move<T: BitwiseCopyable>(_: T.Type) {
      var at = 0
      walk(shape) { place in
        let value = data.loadUnaligned(fromByteOffset: place * MemoryLayout<T>.size, as: T.self)
        out.storeBytes(of: value, toByteOffset: at, as: T.self)
        at += MemoryLayout<T>.size
      }
    }
    switch size {
    case 1: move(UInt8.self)
    case 2: move(UInt16.self)
    case 4: move(UInt32.self)
    case 8: move(UInt64.self)
    default: move(SIMD2<UInt64>.self)
    }
  }
}
