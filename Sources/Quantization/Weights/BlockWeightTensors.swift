import Tensors

extension BlockWeights {
  /// The type of codes for DequantizeLinear: with a sign where there are no zero points.
  var dtype: DType { bits == 4 ? (isSymmetric ? .int4 : .uint4) : isSymmetric ? .int8 : .uint8 }

  /// Codes `[K, N]` for DequantizeLinear.
  func codeTensor() throws(EngineError) -> Tensor {
    try packed(isSymmetric ? codes.map { $0 &- middle } : codes, shape: [k, n])
  }
  /// Scales `[blocks, N]` for DequantizeLinear.
  func scaleTensor() throws(EngineError) -> Tensor { try Tensor(shape: [blocks, n], scales) }
  /// Zero points `[blocks, N]` for DequantizeLinear; nil where there are none.
  func zeroTensor() throws(EngineError) -> Tensor? {
    isSymmetric ? nil : try packed(zeros, shape: [blocks, n])
  }

  private func packed(_ codes: [UInt8], shape: Shape) throws(EngineError) -> Tensor {
    let type = TensorType(dtype, shape)
    guard let packing = PackedElements(dtype) else {
      return try Tensor(type) { (bytes) throws(EngineError) in bytes.copyBytes(from: codes) }
    }
    return try Tensor(type) { (bytes) throws(EngineError) in
      guard let base = bytes.baseAddress else { return }
      codes.withUnsafeBufferPointer { packing.pack($0, base) }
    }
  }

  /// Codes `[N, blocks, block * bits / 8]` for MatMulNBits, low bits first; places beyond K hold the
  /// code of zero.
  func nbitsCodes() throws(EngineError) -> Tensor {
    let width = block * bits / 8
    var bytes = [UInt8](repeating: 0, count: n * blocks * width)
    for row in 0..<blocks * block {
      let (b, inside) = (row / block, row % block)
      for column in 0..<n {
        let code = row < k ? codes[row * n + column] : zeros[b * n + column]
        let at = (column * blocks + b) * width + inside * bits / 8
        bytes[at] |= bits == 4 && inside % 2 == 1 ? code << 4 : code
      }
    }
    return try Tensor(shape: [n, blocks, width], bytes)
  }
  /// Scales `[N * blocks]` for MatMulNBits.
  func nbitsScales() throws(EngineError) -> Tensor {
    try Tensor((0..<n * blocks).map { scales[$0 % blocks * n + $0 / blocks] })
  }
  /// Zero points of MatMulNBits, each column's starting at a byte; nil where there are none.
  func nbitsZeros() throws(EngineError) -> Tensor? {
    if isSymmetric { return nil }
    let width = (blocks * bits + 7) / 8
    var bytes = [UInt8](repeating: 0, count: n * width)
    for column in 0..<n {
      for b in 0..<blocks {
        let code = zeros[b * n + column]
        bytes[column * width + b * bits / 8] |= bits == 4 && b % 2 == 1 ? code << 4 : code
      }
    }
    return try Tensor(bytes)
  }
}
