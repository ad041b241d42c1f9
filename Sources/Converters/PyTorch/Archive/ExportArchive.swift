import Formats
import Graphs
import Tensors

/// A file of `torch.export.save`: the program, and the tensors it names.
///
/// Read are archives of torch 2.8 and later (`archive_format`, `models/NAME.json`, `data/weights`,
/// `data/constants`) and those of torch 2.1 to 2.7 (`serialized_exported_program.json`, whose
/// tensors are pickles within the archive). Tensors become views of the mapped file.
struct ExportArchive {
  private let archive: TorchArchive
  let program: ExportedProgram
  /// Records of tensors, by the name of the tensor.
  private var records: [String: Record] = [:]
  /// Tensors out of pickles, by name.
  private var pickled: [String: Tensor] = [:]

  private struct Record {
    var member: String
    var isPickled: Bool
    var description: ExportTensor?
  }

  /// Errors: `.inputMissing`; `.malformed`, `.budget`; `.unsupported` for archives of compiled
  /// code, several models, or pickles that are not tensors.
  init(path: String) throws(EngineError) {
    let file = try FileBytes(mapping: path, limit: Int.max)
    try self.init(file.bytes, owner: file)
  }

  /// - `owner` keeps `bytes` alive.
  init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) throws(EngineError) {
    defer { withExtendedLifetime(owner) {} }
    archive = try TorchArchive(bytes, owner: owner)
    if let place = archive.member("serialized_exported_program.json") {
      program = try ExportedProgram(try archive.bytes(place))
      for part in ["serialized_state_dict", "serialized_constants"] {
        for ending in [".pt", ".json"] {
          guard let place = archive.member(part + ending) else { continue }
          let inner = try archive.bytes(place)
          guard !inner.isEmpty else { continue }
          for (name, value) in try TorchCheckpoint.read(inner, owner: owner) {
            pickled[name] = value
          }
        }
      }
      return
    }
    let models = archive.names.filter { $0.hasPrefix("models/") && $0.hasSuffix(".json") }.sorted()
    guard let model = models.first, let place = archive.member(model) else {
      let hasCode = archive.names.contains { $0.hasPrefix("data/aotinductor/") }
      throw EngineError(
        hasCode ? .unsupported : .malformed,
        hasCode
          ? "the archive holds compiled code and no graph" : "the archive holds no model",
        expected: "models/NAME.json",
        hint: hasCode ? "save the model with torch.export.save" : nil)
    }
    guard models.count == 1 else {
      throw EngineError(
        .unsupported, "the archive holds several models", expected: "one",
        received: models.map { $0.dropFirst(7).dropLast(5) }.joined(separator: ", "))
    }
    program = try ExportedProgram(try archive.bytes(place))
    let name = String(model.dropFirst(7).dropLast(5))
    try addRecords("data/weights/", "\(name)_weights_config.json")
    try addRecords("data/constants/", "\(name)_constants_config.json")
  }

  private mutating func addRecords(_ folder: String, _ file: String) throws(EngineError) {
    guard let place = archive.member(folder + file) else { return }
    let root = try ExportReading.object(
      try JSONParser.parse(try archive.bytes(place)), "\(folder)\(file)")
    let config = try ExportReading.object(root["config"], "config")
    for (name, json) in zip(config.keys, config.values) {
      let fields = try ExportReading.object(json, name)
      let isPickled = fields["use_pickle"] == .bool(true)
      let meta = fields["tensor_meta"]
      records[name] = Record(
        member: folder + (try ExportReading.text(fields["path_name"], "path_name")),
        isPickled: isPickled,
        description: meta == nil || meta == .null ? nil : try ExportTensor(meta))
    }
  }

  /// The parameter, buffer or constant `name`.
  ///
  /// Errors: `.malformed` where the archive has none, or one that does not fit its description;
  /// `.unsupported` for objects that are not tensors.
  func tensor(_ name: String) throws(EngineError) -> Tensor {
    if let tensor = pickled[name] { return tensor }
    guard let record = records[name] else {
      throw EngineError(.malformed, "the archive has no tensor '\(name)'")
    }
    guard let place = archive.member(record.member) else {
      throw EngineError(
        .malformed, "the archive has no member '\(record.member)' for tensor '\(name)'")
    }
    let bytes = try archive.bytes(place)
    if record.isPickled {
      let list = try TorchCheckpoint.read(bytes, owner: archive.owner)
      guard list.count == 1, let only = list.first else {
        throw EngineError(
          .unsupported, "'\(name)' is a pickled object and no tensor", expected: "a tensor")
      }
      return only.value
    }
    guard let description = record.description, let strides = description.strides,
      let offset = description.offset,
      let type = Fact(description.dtype, description.dims).tensorType
    else {
      throw EngineError(
        .unsupported, "'\(name)' is an object of Python and no tensor of known sizes")
    }
    do throws(EngineError) {
      return try StridedBytes.tensor(
        type, offset: offset, strides: strides, of: bytes, owner: archive.owner)
    } catch { throw error.at(node: name) }
  }
}
