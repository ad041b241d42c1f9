import Formats
import Graphs
import Tensors

/// Named tensors, and what a file says beside them.
public struct WeightCollection: Sendable {
  public var tensors: [(name: String, value: Tensor)]
  public var metadata: [(key: String, value: String)]

  public init(
    _ tensors: [(name: String, value: Tensor)] = [], metadata: [(key: String, value: String)] = []
  ) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The constants of a model under their names: initializers, those of bodies among them, and
  /// floats that constant nodes hold. Unnamed ones and strings are left out.
  public init(of model: ModelGraph) {
    self.init()
    var taken: Set<String> = []
    collect(model.graph, &taken, depth: 0)
    metadata = model.metadata.map { ($0.key, $0.value) }
  }

  private mutating func collect(_ graph: Graph, _ taken: inout Set<String>, depth: Int) {
    for (id, tensor) in graph.initializers where tensor.dtype != .string {
      let name = graph.values[id.index].name
      if !name.isEmpty, taken.insert(name).inserted { tensors.append((name, tensor)) }
    }
    for node in graph.nodes {
      if node.type == "Constant", let id = node.outputs.first.flatMap({ $0 }),
        let value = node.attributes.first(where: { $0.name == "value" }),
        case .tensor(let tensor) = value.payload, tensor.dtype.isFloat
      {
        let name = graph.values[id.index].name
        if !name.isEmpty, taken.insert(name).inserted { tensors.append((name, tensor)) }
      }
      guard depth < Graph.maxDepth else { continue }
      for body in node.subgraphs { collect(body, &taken, depth: depth + 1) }
    }
  }

  /// Reads a file of weights: safetensors or their index of shards, PyTorch's `.pt` and `.pth`, NPZ,
  /// NPY or GGUF.
  ///
  /// Errors: those of the formats; `.unsupported` for other kinds of files.
  public init(path: String, kind: SourceKind) throws(EngineError) {
    do throws(EngineError) {
      switch kind {
      case .safetensors:
        let contents = try SafeTensors.read(path)
        self.init(contents.tensors, metadata: contents.metadata)
      case .safetensorsIndex, .torchWeights, .npz:
        self.init(try WeightFile.read(path).tensors)
      case .npy:
        let stem = path.split(separator: "/").last.map(String.init) ?? path
        let name = stem.lastIndex(of: ".").map { String(stem[..<$0]) } ?? stem
        self.init(try TensorFile.read(path).map { ($0.name ?? name, $0.value) })
      case .gguf: self = try GGUFReader.read(path)
      default:
        throw EngineError(
          .unsupported, "\(kind.title) files are not read as weights alone",
          expected: "safetensors, their index, .pt, .pth, NPZ, NPY, GGUF, or a model")
      }
    } catch { throw error.at(file: path) }
  }

  /// Writes the tensors in the format that `kind` says. The file appears whole or not at all.
  ///
  /// Errors: `.usage` for a format that holds no weights, and for several tensors in one `.npy`;
  /// `.dtype` for element types that the format lacks; `.cannotCreate`, `.io`.
  public func write(to path: String, as kind: OutputKind) throws(EngineError) {
    do throws(EngineError) {
      var file = try AtomicFile(path)
      switch kind {
      case .safetensors:
        var contents = SafeTensors.Contents()
        contents.tensors = tensors
        contents.metadata = metadata
        try SafeTensors.write(contents, to: &file)
      case .npz: try NPZ.write(tensors, to: &file)
      case .npy: try TensorFile.write(tensors.map { ($0.name, $0.value) }, as: .npy, to: &file)
      case .onnx, .c:
        throw EngineError(
          .usage, "weights alone are no model", expected: ".safetensors, .npz or .npy")
      }
      try file.commit()
    } catch { throw error.at(file: path) }
  }
}
