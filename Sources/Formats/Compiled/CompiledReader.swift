import Glibc
import Graphs
import Tensors

/// Reads compiled models, which `CompiledWriter` writes and `CompiledHeader` describes.
///
/// The file is mapped, and weights are views of it. Checked when it is read: the header with its
/// digest, the digest of graph and manifest, every offset and size, and the model it was compiled
/// from where that lies beside it under its old name: another size is a change, and where only the
/// time of the last change is another, the contents decide. The bytes of weights are checked by
/// `verifyWeights`, since reading them all would cost more than all else.
enum CompiledReader {
  /// What external data is called that lies in the file itself.
  static let ownLocation = "weights"
  /// The key under which a node says for which version of its domain it is written.
  static let opsetKey = "dlrun.opset"

  /// - `folder`: where the file lies, "" or ending with `/`; nil for a file in memory.
  ///
  /// Errors: those of `CompiledHeader`; `.malformed` for a damaged file; `.invalidModel` when the
  /// model it was compiled from is another now; those of reading the graph.
  static func read(
    _ source: FileBytes, name: String, folder: String?, _ limits: ReadLimits
  ) throws(EngineError) -> ModelGraph {
    let header = try CompiledHeader(reading: source.bytes)
    let manifest = UnsafeRawBufferPointer(rebasing: source.bytes[header.manifest])
    let graph = UnsafeRawBufferPointer(rebasing: source.bytes[header.graph])
    var sha = SHA256()
    sha.update(graph)
    sha.update(manifest)
    guard sha.finish() == header.textDigest else {
      throw EngineError(
        .malformed, "the graph of the compiled model is damaged", hint: "compile the model again")
    }
    var model = try ONNXReader.read(
      try FileBytes(copying: graph), name: name,
      external: ExternalData(within: source, as: ownLocation, limits: limits), limits)
    let parts = try CompiledManifest.parts(
      try JSONParser.parse(manifest), in: source, weights: header.weights,
      initializers: model.graph.initializers.count)
    if let folder { try checkSource(parts.source, folder, limits) }
    try model.graph.readOpsets()
    model.compiled = parts
    if let identity = source.identity { model.files = [identity] }
    return model
  }

  /// Whether the bytes of a compiled model's weights are those that were written.
  ///
  /// Errors: `.malformed` where they are not; those of reading the header.
  static func verifyWeights(_ source: FileBytes) throws(EngineError) {
    let header = try CompiledHeader(reading: source.bytes)
    var sha = SHA256()
    sha.update(UnsafeRawBufferPointer(rebasing: source.bytes[header.weights]))
    guard sha.finish() == header.weightDigest else {
      throw EngineError(
        .malformed, "the weights of the compiled model are damaged",
        hint: "compile the model again")
    }
  }

  private static func checkSource(
    _ source: CompiledParts.Source, _ folder: String, _ limits: ReadLimits
  ) throws(EngineError) {
    guard !source.name.isEmpty, !source.name.utf8.contains(0x2F), !source.name.utf8.contains(0)
    else { return }
    let path = folder + source.name
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    let modified =
      Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec)
    var isSame = Int(status.st_size) == source.bytes
    if isSame, modified != source.modified {
      // A file that cannot be read any more is not the one it was.
      let model = try? ONNXReader.read(contentsOf: path, limits: limits)
      isSame = (try? model.map(ModelDigest.of)) == source.digest
    }
    guard isSame else {
      throw EngineError(
        .invalidModel, "'\(source.name)', which it was compiled from, has changed since",
        expected: "the model with SHA-256 \(source.digest)",
        hint: "compile the model again")
    }
  }
}

extension Graph {
  /// Takes the versions that nodes are written for out of their metadata.
  fileprivate mutating func readOpsets() throws(EngineError) {
    for i in nodes.indices {
      if let k = nodes[i].metadata.firstIndex(where: { $0.key == CompiledReader.opsetKey }) {
        guard let opset = Int(nodes[i].metadata[k].value), opset > 0 else {
          throw EngineError(
            .malformed, "a node of the compiled model has no legal version",
            subject: .init(node: nodeName(i), operatorName: nodes[i].type))
        }
        nodes[i].opset = opset
        nodes[i].metadata.remove(at: k)
      }
      try nodes[i].updateSubgraphs { (g: inout Graph) throws(EngineError) in
        try g.readOpsets()
      }
    }
  }

  /// The same graph with those versions in the metadata, as files hold it.
  func writingOpsets() -> Graph {
    var result = self
    for i in result.nodes.indices {
      if let opset = nodes[i].opset {
        result.nodes[i].metadata.append(Metadata(CompiledReader.opsetKey, "\(opset)"))
      }
      result.nodes[i].updateSubgraphs { (g: inout Graph) in g = g.writingOpsets() }
    }
    return result
  }
}
