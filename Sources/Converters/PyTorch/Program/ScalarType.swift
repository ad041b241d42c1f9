import Tensors

/// PyTorch's element types by the numbers that `torch.export` writes.
///
/// Source: `torch/_export/serde/schema.py` of torch 2.13.
enum ScalarType {
  private static let all: [Int: DType] = [
    1: .uint8, 2: .int8, 3: .int16, 4: .int32, 5: .int64, 6: .float16, 7: .float32, 8: .float64,
    10: .complex64, 11: .complex128, 12: .bool, 13: .bfloat16, 28: .uint16, 29: .float8e4m3fn,
    30: .float8e5m2, 31: .float8e4m3fnuz, 32: .float8e5m2fnuz, 33: .float8e8m0, 34: .uint32,
    35: .uint64,
  ]

  /// Errors: `.unsupported` for a number without a type.
  static func dtype(_ number: Int) throws(EngineError) -> DType {
    guard let dtype = all[number] else {
      throw EngineError(
        .unsupported, "elements of PyTorch's type \(number) have no counterpart",
        expected: "one of \(all.values.map { "\($0)" }.sorted().joined(separator: ", "))")
    }
    return dtype
  }
}
