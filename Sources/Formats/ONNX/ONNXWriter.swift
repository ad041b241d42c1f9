import Graphs
import Tensors

/// Writes models in the portable format. The same model always gives the same bytes: fields in the
/// order of their numbers, lists in the order of the model, tensors as little-endian raw data, no
/// times and no random names.
///
/// Errors: `.budget` for a model of 2 GiB or more without external data; `.cannotCreate` and `.io`
/// when a file cannot be written, which leaves an older file as it was.
///
/// Source: `onnx.proto`, IR version 14.
public enum ONNXWriter {
  public struct Options: Sendable {
    /// Tensors of at least so many bytes go to a `.data` file beside the model. Nil: none.
    public var externalThreshold: Int?
    public init(externalThreshold: Int? = nil) { self.externalThreshold = externalThreshold }
  }

  /// The serialised model.
  public static func bytes(_ model: ModelGraph) throws(EngineError) -> [UInt8] {
    let wire = serialise(model, external: nil)
    try checkSize(wire)
    return wire.joined()
  }

  /// Writes `path`, through gzip when it ends in `.gz`.
  ///
  /// External data is written first, under a name that its contents determine; renaming the model
  /// into place then makes both valid at once.
  public static func write(
    _ model: ModelGraph, to path: String, options: Options = Options()
  ) throws(EngineError) {
    do throws(EngineError) {
      var placement: ExternalPlacement?
      if let threshold = options.externalThreshold {
        placement = try ExternalWriter.write(model, beside: path, threshold: threshold)
      }
      let wire = serialise(model, external: placement)
      try checkSize(wire)
      try save(wire, to: path)
    } catch { throw error.at(file: path) }
  }

  static func save(_ wire: Wire, to path: String) throws(EngineError) {
    let file = try AtomicFile(path)
    if path.hasSuffix(".gz") {
      let gzip = try GzipWriter { (block) throws(EngineError) in try file.write(block) }
      try wire.forEach { (piece) throws(EngineError) in try gzip.write(piece) }
      try gzip.finish()
    } else {
      try wire.forEach { (piece) throws(EngineError) in try file.write(piece) }
    }
    try file.commit()
  }

  static func checkSize(_ wire: Wire) throws(EngineError) {
    guard wire.count <= Int(Int32.max) else {
      throw EngineError(
        .budget, "the model is too large for one file", expected: "less than 2 GiB",
        received: "\(wire.count) bytes", hint: "write its weights as external data")
    }
  }

  static func serialise(_ model: ModelGraph, external: ExternalPlacement?) -> Wire {
    var writer = GraphWriter(table: NameTable(model.graph), external: external)
    var w = Wire()
    w.int(1, Int64(model.irVersion))
    w.text(2, model.producerName)
    w.text(3, model.producerVersion)
    w.text(4, model.domain)
    if model.modelVersion != 0 { w.int(5, Int64(model.modelVersion)) }
    w.text(6, model.doc)
    w.message(7, writer.graph(model.graph))
    for (domain, version) in model.opsets {
      w.message(8, GraphWriter.opset(domain, version, model.opsetFields[domain]))
    }
    for m in model.metadata { w.message(14, .entry(m)) }
    for info in model.trainingInfo { w.bytes(20, info) }
    for f in model.functions { w.message(25, writer.function(f)) }
    for c in model.configurations { w.bytes(26, c) }
    w.raw(model.unknownFields)
    return w
  }
}

extension TensorProtoFile {
  /// Writes a value as `TensorProto`, `SequenceProto`, `OptionalProto` or `MapProto`.
  ///
  /// Errors: `.unsupported` for a map whose keys are neither int64 nor strings; `.cannotCreate`,
  /// `.io`.
  public static func write(
    _ value: Value, to path: String, name: String = ""
  ) throws(EngineError) {
    do throws(EngineError) {
      try checkKeys(value)
      try ONNXWriter.save(.value(value, name: name), to: path)
    } catch { throw error.at(file: path) }
  }

  public static func bytes(_ value: Value, name: String = "") throws(EngineError) -> [UInt8] {
    try checkKeys(value)
    return Wire.value(value, name: name).joined()
  }

  private static func checkKeys(_ value: Value) throws(EngineError) {
    switch value {
    case .tensor: break
    case .optional(let inner): if let inner { try checkKeys(inner) }
    case .sequence(let items): for item in items { try checkKeys(item) }
    case .map(let m):
      guard m.keys.dtype == .int64 || m.keys.dtype == .string else {
        throw EngineError(
          .unsupported, "maps with keys of this type are not supported",
          expected: "int64 or string", received: "\(m.keys.dtype)")
      }
      guard case .sequence = m.values else {
        throw EngineError(
          .unsupported, "maps of this form cannot be written", expected: "a sequence of values",
          received: m.values.kind)
      }
    }
  }
}
