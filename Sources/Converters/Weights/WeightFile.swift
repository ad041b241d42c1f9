import Formats
import Graphs
import Tensors

/// Files of named tensors that can be put onto a model.
public enum WeightFile {
  /// The tensors of the file at `path`, whose kind its content tells: PyTorch's `.pt` and `.pth`,
  /// safetensors and their index of shards, NPZ. Large tensors are views of the mapped file.
  ///
  /// Errors: `.inputMissing`, `.malformed`, `.unsupported`, `.budget`; `.usage` for files without
  /// names or of other kinds.
  public static func read(
    _ path: String
  ) throws(EngineError) -> (kind: SourceKind, tensors: [(name: String, value: Tensor)]) {
    let kind = try SourceKind.of(path: path)
    do throws(EngineError) {
      switch kind {
      case .torchWeights: return (kind, try TorchCheckpoint.read(path))
      case .safetensors: return (kind, try SafeTensors.read(path).tensors)
      case .safetensorsIndex: return (kind, try SafeTensorsShards.read(path))
      case .npz: return (kind, try NPZ.read(path))
      default:
        throw EngineError(
          .usage, "\(kind.title) files are no weights that have names",
          expected: ".pt, .pth, .safetensors, model.safetensors.index.json or .npz")
      }
    } catch { throw error.at(file: path) }
  }
}
