import Formats
import Tensors

extension Module {
  /// Writes parameters and states as safetensors, under their paths. The file is replaced at once.
  ///
  /// Errors: `.cannotCreate`, `.io`.
  public func save(_ path: String) throws {
    var contents = SafeTensors.Contents()
    contents.tensors = namedTensors()
    try writeSafeTensors(contents, to: path)
  }

  /// Takes parameters and states from a safetensors file.
  ///
  /// - `partly`: whether tensors may be missing, or be there that the model lacks.
  /// - Errors: one `.invalidModel` that lists all missing, unknown and misshapen tensors; nothing
  ///   is changed then. `.inputMissing`, `.malformed`.
  public func load(_ path: String, partly: Bool = false) throws {
    var table: [String: Tensor] = [:]
    for (name, value) in try SafeTensors.read(path).tensors { table[name] = value }
    try take(table, partly: partly, file: path)
  }

  func namedTensors() -> [(name: String, value: Tensor)] {
    zip(planned.parameterPaths, parameters).map { ($0, $1.value.detached()) }
      + zip(planned.statePaths, states).map { ($0, $1.value.detached()) }
  }

  /// Takes the tensors that have the model's names.
  func take(_ table: [String: Tensor], partly: Bool, file: String) throws {
    var problems: [String] = []
    var known: Set<String> = []
    let wanted = namedTensors()
    for (name, value) in wanted {
      known.insert(name)
      guard let t = table[name] else {
        if !partly {
          let near = nearest(name, to: Array(table.keys)).first ?? "none"
          problems.append("'\(name)' is missing (the nearest name is \(near))")
        }
        continue
      }
      if t.type != value.type {
        problems.append("'\(name)' is \(t.type), the model has \(value.type)")
      }
    }
    if !partly {
      for name in table.keys.sorted() where !known.contains(name) {
        problems.append("the model has no '\(name)'")
      }
    }
    guard problems.isEmpty else {
      throw EngineError(
        .invalidModel, "the tensors do not fit the model: " + problems.joined(separator: "; "),
        hint: "load partly to take those that fit by name", subject: .init(file: file))
    }
    for (name, p) in zip(planned.parameterPaths, parameters) {
      if let t = table[name] { p.value = try t.owned() }
    }
    for (name, s) in zip(planned.statePaths, states) {
      if let t = table[name] { s.value = try t.owned() }
    }
  }
}

extension Tensor {
  /// The same contents in memory of its own, which does not change with a file.
  func owned() throws(EngineError) -> Tensor {
    try Tensor(type) { (bytes) throws(EngineError) in
      withUnsafeBytes { bytes.copyMemory(from: $0) }
    }
  }
}

func writeSafeTensors(_ contents: SafeTensors.Contents, to path: String) throws {
  var sink = MemorySink()
  try SafeTensors.write(contents, to: &sink)
  let file = try AtomicFile(path)
  try file.write(sink.bytes)
  try file.commit()
}
