import Graphs
import Tensors

/// Reads models in the portable format.
///
/// Weights are views of the mapped file where their bytes lie aligned for their type, and copies
/// where they do not. Nothing in a file is executed, and every size is checked before memory is
/// taken for it.
///
/// Errors: `.inputMissing` when a file cannot be opened; `.malformed` for bytes that do not follow
/// the wire format; `.invalidModel`, `.attribute` and `.shape` for a model that breaks a rule;
/// `.unsupported` for versions and element types beyond this build; `.budget` beyond `limits`.
///
/// Source: `onnx.proto`, IR version 14, and ONNX `docs/IR.md`.
public enum ONNXReader {
  /// Versions of the format that are read.
  public static let irVersions = 3...14
  /// The newest version of the standard operators that is read.
  public static let newestOpset: Int64 = 28

  /// Reads `path`, plain or compressed by gzip; external data lies beneath its folder.
  public static func read(
    contentsOf path: String, limits: ReadLimits = ReadLimits()
  ) throws(EngineError) -> ModelGraph {
    do throws(EngineError) {
      let source = try FileBytes(mapping: path, limit: limits.maxFileBytes)
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      return try read(source, name: path, folder: folder, limits)
    } catch { throw error.at(file: path) }
  }

  /// Reads a mapped file; external data lies beneath `folder`.
  static func read(
    _ source: FileBytes, name: String, folder: String, _ limits: ReadLimits
  ) throws(EngineError) -> ModelGraph {
    try source.check(limit: limits.maxFileBytes)
    let external = ExternalData(folder: folder, limits: limits)
    var model = try read(source, name: name, external: external, limits)
    if let identity = source.identity { model.files = [identity] + external.identities }
    return model
  }

  /// Reads a model in memory. Its weights are copied; it can have no external data.
  public static func read(
    bytes: UnsafeRawBufferPointer, name: String = "model", limits: ReadLimits = ReadLimits()
  ) throws(EngineError) -> ModelGraph {
    do throws(EngineError) {
      return try read(try FileBytes(copying: bytes), name: name, external: nil, limits)
    } catch { throw error.at(file: name) }
  }

  public static func read(
    bytes: [UInt8], name: String = "model", limits: ReadLimits = ReadLimits()
  ) throws(EngineError) -> ModelGraph {
    // The standard library's closures do not pass a typed throw on.
    let result = bytes.withUnsafeBytes { buffer -> Result<ModelGraph, EngineError> in
      do throws(EngineError) {
        return .success(try read(bytes: buffer, name: name, limits: limits))
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  static func read(
    _ source: FileBytes, name: String, external: ExternalData?, _ limits: ReadLimits
  ) throws(EngineError) -> ModelGraph {
    var source = source
    if Gzip.isGzip(source.bytes) {
      source = try Gzip.inflate(source.bytes, limit: limits.maxFileBytes)
    }
    if let foreign = ForeignFormat(source.bytes) { throw foreign.error }
    let decoded = try Decoded(source, MessageKind.model, limits: limits)
    let context = ReadContext(
      file: name, source: source, limits: limits, cuts: decoded.cuts, external: external)
    return try withExtendedLifetime(decoded) { () throws(EngineError) in
      try context.model(decoded.message)
    }
  }
}

extension ReadContext {
  func model(_ message: UnsafeMutablePointer<PB.Model>) throws(EngineError) -> ModelGraph {
    let m = message.pointee
    guard m.has_ir_version != 0 else {
      throw EngineError(
        .invalidModel, "the file states no IR version", hint: "is it an ONNX model?")
    }
    guard let ir = Int(exactly: m.ir_version), ONNXReader.irVersions.contains(ir) else {
      throw EngineError(
        .unsupported, "the IR version is not supported",
        expected: "\(ONNXReader.irVersions.lowerBound) to \(ONNXReader.irVersions.upperBound)",
        received: "\(m.ir_version)")
    }
    let opsets = try opsets(list(m.n_opset_import, m.opset_import))
    guard !opsets.isEmpty else {
      throw EngineError(.invalidModel, "the model imports no opset")
    }
    guard let graphMessage = m.graph else {
      throw EngineError(.invalidModel, "the model has no graph")
    }
    guard m.n_functions <= limits.maxFunctions else {
      throw EngineError(
        .budget, "too many functions", expected: "at most \(limits.maxFunctions)",
        received: "\(m.n_functions)")
    }
    var functions: [Function] = []
    for f in list(m.n_functions, m.functions) { functions.append(try function(f)) }
    try FunctionCalls.check(functions, limits)
    let graph = try graph(graphMessage, parent: nil, inFunction: false).graph
    var model = ModelGraph(graph)
    model.irVersion = ir
    model.producerName = text(m.producer_name)
    model.producerVersion = text(m.producer_version)
    model.domain = text(m.domain)
    model.modelVersion = Int(m.model_version)
    model.doc = text(m.doc_string)
    model.opsets = opsets
    model.opsetFields = opsetFields(list(m.n_opset_import, m.opset_import))
    model.functions = functions
    model.metadata = metadata(m.n_metadata_props, m.metadata_props)
    model.trainingInfo = list(m.n_training_info, m.training_info).map { serialised($0) }
    model.configurations = list(m.n_configuration, m.configuration).map { serialised($0) }
    model.unknownFields = unknownFields(m.base)
    try checkDomains(model)
    return model
  }

  /// Whether every node's domain is imported, or holds a function of the model.
  private func checkDomains(_ model: ModelGraph) throws(EngineError) {
    let defined = Set(model.functions.map(\.domain))
    let imported = Set(model.opsets.map(\.domain)).union(defined)
    func check(_ graph: Graph, _ imported: Set<String>) throws(EngineError) {
      for (i, node) in graph.nodes.enumerated() {
        guard imported.contains(node.domain) else {
          throw EngineError(
            .invalidModel,
            "the opset of domain '\(node.domain.isEmpty ? "ai.onnx" : node.domain)' is not imported",
            subject: .init(node: graph.nodeName(i), operatorName: node.type))
        }
        for subgraph in node.subgraphs { try check(subgraph, imported) }
      }
    }
    try check(model.graph, imported)
    for f in model.functions {
      try check(f.body, f.opsets.isEmpty ? imported : Set(f.opsets.keys).union(defined))
    }
  }
}
