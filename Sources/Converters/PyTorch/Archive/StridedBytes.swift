import Tensors

/// Tensors from bytes that hold their storages: views where they lie in order, copies elsewhere.
enum StridedBytes {
  /// The tensor of `type` at element `offset` of `bytes`, with `strides` in elements.
  ///
  /// - `owner` keeps the bytes alive.
  /// - Errors: `.malformed` where the tensor reaches beyond the bytes.
  static func tensor(
    _ type: TensorType, offset: Int, strides: [Int], of bytes: UnsafeRawBufferPointer,
    owner: AnyObject
  ) throws(EngineError) -> Tensor {
    let size = type.dtype.byteSize
    let shape = type.shape
    guard size > 0, strides.count == shape.rank, offset >= 0 else {
      throw EngineError(
        .malformed, "a tensor's strides do not fit its sizes", expected: "\(shape.rank) strides",
        received: "\(strides)")
    }
    if shape.count == 0 { return Tensor(try Storage(type)) }
    var last = offset
    for (n, stride) in zip(shape.array, strides) {
      let (reach, overflow) = (n - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflows) = last.addingReportingOverflow(reach)
      guard !overflow, !overflows, stride >= 0 else { throw beyond(bytes.count) }
      last = sum
    }
    guard last < bytes.count / size, let base = bytes.baseAddress else {
      throw beyond(bytes.count)
    }
    if isContiguous(shape, strides) {
      let start = base + offset * size
      if type.dtype == .bool {
        let flags = UnsafeRawBufferPointer(start: start, count: shape.count)
        guard flags.allSatisfy({ $0 <= 1 }) else {
          throw EngineError(.malformed, "a tensor of booleans holds other values")
        }
      }
      // Complex numbers and alike are read by their parts, which must lie aligned.
      if UInt(bitPattern: start) % UInt(min(size, 8)) == 0 {
        return Tensor(
          Storage(type, borrowing: UnsafeMutableRawPointer(mutating: start), owner: owner))
      }
    }
    return try Tensor(type) { out in
      guard let target = out.baseAddress else { return }
      copy(shape, strides, from: base + offset * size, to: target, size)
      if type.dtype == .bool { for i in 0..<out.count where out[i] > 1 { out[i] = 1 } }
    }
  }

  private static func isContiguous(_ shape: Shape, _ strides: [Int]) -> Bool {
    var step = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      if shape[axis] != 1, strides[axis] != step { return false }
      step *= shape[axis]
    }
    return true
  }

  private static func copy(
    _ shape: Shape, _ strides: [Int], from source: UnsafeRawPointer,
    to target: UnsafeMutableRawPointer, _ size: Int
  ) {
    var index = [Int](repeating: 0, count: shape.rank)
    var place = 0
    for i in 0..<shape.count {
      (target + i * size).copyMemory(from: source + place * size, byteCount: size)
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

  private static func beyond(_ bytes: Int) -> EngineError {
    EngineError(
      .malformed, "a tensor reaches beyond its storage", received: "a storage of \(bytes) bytes")
  }
}
