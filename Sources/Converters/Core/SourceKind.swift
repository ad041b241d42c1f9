import Formats
import Glibc
import Tensors

/// The kinds of files and folders that can be converted, told apart by their content.
public enum SourceKind: String, CaseIterable, Sendable {
  case onnx
  /// A Keras 3 archive: `.keras`.
  case keras
  /// An HDF5 file with a whole Keras model: `.h5`.
  case hdf5
  /// A frozen TensorFlow graph.
  case graphDef = "tensorflow-graph"
  /// A folder with `saved_model.pb`.
  case savedModel = "tensorflow-saved-model"
  case tflite
  /// An archive of `torch.export`: `.pt2`.
  case torchExport = "pytorch-export"
  /// Weights of PyTorch: `.pt`, `.pth`.
  case torchWeights = "pytorch-weights"
  case torchScript = "torchscript"
  case safetensors
  /// The index of safetensors shards: `model.safetensors.index.json`.
  case safetensorsIndex = "safetensors-index"
  case npz
  case npy
  case gguf

  /// What stands at `path`.
  ///
  /// Errors: `.inputMissing`; `.malformed` for content that none of the kinds begins with.
  public static func of(path: String) throws(EngineError) -> SourceKind {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      guard access(path + "/saved_model.pb", R_OK) == 0 else {
        throw EngineError(
          .malformed, "the folder holds no model", expected: "a SavedModel with saved_model.pb",
          subject: .init(file: path))
      }
      return .savedModel
    }
    let file = try InputFile(path)
    return try withExtendedLifetime(file) { () throws(EngineError) in
      guard let kind = SourceKind(content: file.bytes) else {
        // What is wrong with an archive says more than that its kind is not known.
        if case .zip? = ForeignFormat(file.bytes) {
          do throws(EngineError) {
            _ = try ZipArchive(file.bytes, limits: TensorLimits())
          } catch { throw error.at(file: path) }
        }
        throw EngineError(
          .malformed, "the file is of no kind that can be converted",
          expected: allCases.map(\.title).joined(separator: ", "), subject: .init(file: path))
      }
      return kind
    }
  }

  /// As messages name it.
  public var title: String {
    switch self {
    case .onnx: "ONNX"
    case .keras: "Keras archive"
    case .hdf5: "Keras HDF5"
    case .graphDef: "TensorFlow GraphDef"
    case .savedModel: "TensorFlow SavedModel"
    case .tflite: "TensorFlow Lite"
    case .torchExport: "torch.export archive"
    case .torchWeights: "PyTorch weights"
    case .torchScript: "TorchScript"
    case .safetensors: "safetensors"
    case .safetensorsIndex: "safetensors index"
    case .npz: "NPZ"
    case .npy: "NPY"
    case .gguf: "GGUF"
    }
  }

  /// Whether it holds weights and no graph.
  public var isWeights: Bool {
    switch self {
    case .torchWeights, .safetensors, .safetensorsIndex, .npz, .npy, .gguf: true
    default: false
    }
  }

  /// What to do with a file that holds no graph that could be converted.
  var advice: String? {
    if isWeights { return "give weights with --weights to the model they belong to" }
    guard self == .torchScript else { return nil }
    return "save the model with torch.export.save(torch.export.export(model, inputs), path), or "
      + "write it with torch.onnx.export"
  }

  /// Nil for content of no known kind. What no other kind begins with and starts like a protobuf
  /// message counts as ONNX, whose reader then says what is wrong with it.
  init?(content bytes: UnsafeRawBufferPointer) {
    func starts(_ magic: String, at offset: Int = 0) -> Bool {
      let wanted = Array(magic.utf8)
      return bytes.count >= offset + wanted.count
        && wanted.indices.allSatisfy { bytes[offset + $0] == wanted[$0] }
    }
    if let foreign = ForeignFormat(bytes) {
      switch foreign {
      case .graphDef: self = .graphDef
      case .savedModel: self = .savedModel
      case .hdf5: self = .hdf5
      case .flatbuffer: self = .tflite
      case .zip:
        guard let kind = SourceKind(archive: bytes) else { return nil }
        self = kind
      }
    } else if starts("GGUF") {
      self = .gguf
    } else if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) {
      self = .npy
    } else if bytes.count > 9, bytes[8] == UInt8(ascii: "{"), bytes[5] == 0, bytes[6] == 0,
      bytes[7] == 0
    {
      self = .safetensors
    } else if bytes.first == UInt8(ascii: "{") {
      self = .safetensorsIndex
    } else if bytes.count > 1, bytes[0] == 0x80, bytes[1] >= 2, bytes[1] <= 5 {
      // A pickle without an archive: what PyTorch wrote before 1.6.
      self = .torchWeights
    } else if !Self.isText(bytes), let first = bytes.first,
      first & 7 <= 2 || bytes.starts(with: [0x1F, 0x8B])
    {
      self = .onnx
    } else {
      return nil
    }
  }

  /// Whether the file begins like a text, as no protobuf message of ONNX does.
  private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.prefix(32).allSatisfy {
      (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x0D || $0 == 9
    }
  }

  private init?(archive bytes: UnsafeRawBufferPointer) {
    guard let archive = try? ZipArchive(bytes, limits: TensorLimits()) else { return nil }
    let names = archive.entries.map(\.name)
    func has(_ suffix: String) -> Bool {
      names.contains { $0 == suffix || $0.hasSuffix("/" + suffix) }
    }
    if names.contains("config.json"), names.contains("metadata.json") {
      self = .keras
    } else if has("archive_format") || has("serialized_exported_program.json") {
      self = .torchExport
    } else if has("constants.pkl"), has("data.pkl") {
      self = .torchScript
    } else if has("data.pkl") {
      self = .torchWeights
    } else if !names.isEmpty, names.allSatisfy({ $0.hasSuffix(".npy") }) {
      self = .npz
    } else {
      return nil
    }
  }
}
