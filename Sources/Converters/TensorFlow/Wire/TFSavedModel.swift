import Formats
import Tensors

/// What `saved_model.pb` says: a `SavedModel` (2 meta graphs), of which the one for serving is taken.
///
/// Of a `MetaGraphDef`: 1 information (4 tags), 2 graph, 3 saver (3 the restoring node), 5
/// signatures, 6 assets.
struct TFSavedModel {
  struct Port {
    /// As the signature names it.
    let key: String
    /// As the graph names it: `node:0`.
    let tensor: String
    let code: Int
    /// Sizes, -1 where open; nil for an unknown rank.
    let dims: [Int]?
  }
  struct Signature {
    let name: String
    let inputs: [Port]
    let outputs: [Port]
  }

  let graph: ProtoMessage
  /// Signatures with outputs, sorted by name.
  let signatures: [Signature]
  /// The node that restores variables, or "".
  let restoring: String
  /// Files by the tensors that stand for their names.
  let assets: [(tensor: String, file: String)]

  init(_ message: ProtoMessage) throws(EngineError) {
    var chosen: ProtoMessage?
    for meta in try message.all(2) where meta.wire == 2 {
      var tags: [String] = []
      for tag in try meta.message.last(1)?.message.all(4) ?? [] {
        tags.append(try tag.message.text())
      }
      if chosen == nil || tags == ["serve"] { chosen = meta.message }
    }
    guard let meta = chosen, let graph = try meta.last(2)?.message else {
      throw EngineError(.malformed, "the SavedModel holds no graph")
    }
    self.graph = graph
    restoring = try meta.last(3)?.message.last(3)?.message.text() ?? ""
    var found: [Signature] = []
    for (name, value) in try meta.map(5) {
      let outputs = try Self.ports(value, 2)
      if !name.hasPrefix("__saved_model_"), !outputs.isEmpty {
        found.append(Signature(name: name, inputs: try Self.ports(value, 1), outputs: outputs))
      }
    }
    signatures = found.sorted { $0.name < $1.name }
    // AssetFileDef: 1 the tensor (1 name), 2 the file.
    var files: [(tensor: String, file: String)] = []
    for asset in try meta.all(6) {
      guard let tensor = try asset.message.last(1)?.message.last(1)?.message.text(),
        let file = try asset.message.last(2)?.message.text()
      else { continue }
      files.append((tensor, file))
    }
    assets = files
  }

  /// Inputs (1) or outputs (2) of a `SignatureDef`; of a `TensorInfo`: 1 name, 2 type, 3 shape.
  private static func ports(_ message: ProtoMessage, _ number: Int) throws(EngineError) -> [Port] {
    var ports: [Port] = []
    for (key, info) in try message.map(number) {
      var (tensor, code) = ("", 0)
      var dims: [Int]?
      try info.forEach { (f) throws(EngineError) in
        if f.number == 1 { tensor = try f.message.text() }
        if f.number == 2 { code = f.int }
        if f.number == 3 { dims = try TFShape.dims(f.message) }
      }
      ports.append(Port(key: key, tensor: tensor, code: code, dims: dims))
    }
    return ports.sorted { order($0.key) < order($1.key) }
  }

  /// `output_10` comes after `output_9`.
  private static func order(_ key: String) -> (String, Int) {
    let digits = key.reversed().prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty, let number = Int(String(digits.reversed())) else { return (key, 0) }
    return (String(key.dropLast(digits.count)), number)
  }

  /// Where in the graph the names of files are wanted.
  func assetPlaces(_ body: TFBody) throws(EngineError) -> [(ref: TFRef, file: String)] {
    var places: [(ref: TFRef, file: String)] = []
    for (tensor, file) in assets { places.append((try body.ref(tensor), file)) }
    return places
  }

  /// The signature called `name`; `serving_default` or the only one where it is nil.
  ///
  /// Errors: `.usage` naming those there are.
  func signature(_ name: String?) throws(EngineError) -> Signature {
    if let found = signatures.first(where: { $0.name == name ?? "serving_default" }) {
      return found
    }
    if name == nil, signatures.count == 1 { return signatures[0] }
    throw EngineError(
      .usage, name.map { "the model has no signature '\($0)'" } ?? "no signature is the default",
      expected: "one of \(signatures.map(\.name).joined(separator: ", "))",
      hint: "choose one with --signature")
  }
}
