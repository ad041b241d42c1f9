import Tensors

/// How a GGUF file stores the elements of a tensor: numbers, or blocks of 32 with a factor each.
///
/// Source: the GGUF description and the block layouts of ggml: Q4_0 `d (q - 8)`, Q4_1 `d q + m`,
/// Q5_0 `d (q - 16)`, Q5_1 `d q + m`, Q8_0 `d q`, with d and m in float16.
enum GGUFElement: UInt32 {
  case f32 = 0
  case f16 = 1
  case q4_0 = 2
  case q4_1 = 3
  case q5_0 = 6
  case q5_1 = 7
  case q8_0 = 8
  case i8 = 24
  case i16 = 25
  case i32 = 26
  case i64 = 27
  case f64 = 28
  case bf16 = 30

  /// The type that plain elements have; nil for blocks, which become float32.
  var plain: DType? {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    case .f64: .float64
    case .i8: .int8
    case .i16: .int16
    case .i32: .int32
    case .i64: .int64
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: nil
    }
  }

  /// Elements of a block, and its bytes.
  var block: (elements: Int, bytes: Int) {
    switch self {
    case .q4_0: (32, 18)
    case .q4_1: (32, 20)
    case .q5_0: (32, 22)
    case .q5_1: (32, 24)
    case .q8_0: (32, 34)
    default: (1, plain?.byteSize ?? 1)
    }
  }

  /// What ggml calls types that are not read.
  static func name(_ code: UInt32) -> String {
    let names: [UInt32: String] = [
      9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K",
      16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
      22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]
    return names[code] ?? "\(code)"
  }

  /// Writes the elements of the blocks in `source` to `target`, which has room for them all.
  func decode(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>
  ) {
    let (elements, size) = block
    for b in 0..<(source.count / size) {
      let from = UnsafeRawBufferPointer(rebasing: source[(b * size)..<((b + 1) * size)])
      let to = UnsafeMutableBufferPointer(rebasing: target[(b * elements)..<((b + 1) * elements)])
      decodeBlock(from, to)
    }
  }

  private func half(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Float {
    Float(Float16(bitPattern: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8))
  }

  private func decodeBlock(
    _ bytes: UnsafeRawBufferPointer, _ out: UnsafeMutableBufferPointer<Float>
  ) {
    let d = half(bytes, 0)
    switch self {
    case .q8_0:
      for j in 0..<32 { out[j] = d * Float(Int8(bitPattern: bytes[2 + j])) }
    case .q4_0:
      for j in 0..<16 {
        out[j] = d * Float(Int(bytes[2 + j] & 15) - 8)
        out[j + 16] = d * Float(Int(bytes[2 + j] >> 4) - 8)
      }
    case .q4_1:
      let m = half(bytes, 2)
      for j in 0..<16 {
        out[j] = d * Float(bytes[4 + j] & 15) + m
        out[j + 16] = d * Float(bytes[4 + j] >> 4) + m
      }
    case .q5_0:
      for j in 0..<16 {
        let (low, high) = fifthBits(bytes, 2, j)
        out[j] = d * Float(Int(bytes[6 + j] & 15) + low - 16)
        out[j + 16] = d * Float(Int(bytes[6 + j] >> 4) + high - 16)
      }
    case .q5_1:
      let m = half(bytes, 2)
      for j in 0..<16 {
        let (low, high) = fifthBits(bytes, 4, j)
        out[j] = d * Float(Int(bytes[8 + j] & 15) + low) + m
        out[j + 16] = d * Float(Int(bytes[8 + j] >> 4) + high) + m
      }
    default: break
    }
  }

  /// The fifth bits of elements j and j + 16, worth 16.
  private func fifthBits(_ bytes: UnsafeRawBufferPointer, _ at: Int, _ j: Int) -> (Int, Int) {
    let low = Int(bytes[at + j / 8] >> UInt8(j % 8) & 1)
    let high = Int(bytes[at + 2 + j / 8] >> UInt8(j % 8) & 1)
    return (low * 16, high * 16)
  }
}
