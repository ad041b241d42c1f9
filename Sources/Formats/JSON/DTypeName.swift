import Tensors

/// The names under which text files know element types.
public enum DTypeName {
  /// The type of a name: our own (`float32`), ONNX's (`float`), NumPy's, or that of the Open
  /// Inference Protocol (`FP32`).
  public static func parse(_ name: String) -> DType? {
    if let known = names[name] { return known }
    return DType.allCases.first { "\($0)" == name || $0.onnxName == name }
  }

  private static let names: [String: DType] = [
    "FP16": .float16, "FP32": .float32, "FP64": .float64, "BF16": .bfloat16, "BOOL": .bool,
    "INT8": .int8, "INT16": .int16, "INT32": .int32, "INT64": .int64, "UINT8": .uint8,
    "UINT16": .uint16, "UINT32": .uint32, "UINT64": .uint64, "BYTES": .string, "half": .float16,
    "str": .string,
  ]
}
