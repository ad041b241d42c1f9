import Tensors

/// What a conversion writes.
public enum OutputKind: String, CaseIterable, Sendable {
  /// `.onnx`, `.pb`, and both followed by `.gz`.
  case onnx
  /// The model's weights alone.
  case safetensors, npz, npy
  /// C99 source, with a header beside it: `CSource`.
  case c

  /// The kind that a path's ending names, letter case aside.
  ///
  /// Errors: `.usage` for any other ending.
  public init(path: String) throws(EngineError) {
    var name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    if name.hasSuffix(".gz") { name.removeLast(3) }
    let ending = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last
    switch ending.map(String.init) {
    case "onnx", "pb": self = .onnx
    case "safetensors": self = .safetensors
    case "npz": self = .npz
    case "npy": self = .npy
    case "c", "h": self = .c
    default:
      throw EngineError(
        .usage, "what to write cannot be told from the name",
        expected: "a name that ends in .onnx, .pb, .onnx.gz, .safetensors, .npz, .npy or .c",
        hint: "or say --to with one of " + Self.allCases.map(\.rawValue).joined(separator: ", "),
        subject: .init(file: path))
    }
  }

  /// Whether it holds weights and no graph.
  public var isWeights: Bool {
    switch self {
    case .safetensors, .npz, .npy: true
    case .onnx, .c: false
    }
  }
}
