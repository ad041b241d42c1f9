import Formats
import Tensors

/// All that a training run needs to go on exactly where it was: parameters, states, the optimiser's
/// slots, the steps done, the generator of random numbers, and notes of the caller's, such as the
/// position in the data.
///
/// One safetensors file, in which weights have their own names and all else begins with
/// `training.`: two files could not be replaced at once. It is written beside the old one, made
/// durable and renamed, so whenever the program is killed a whole checkpoint is there.
///
/// ```swift
/// try Checkpoint.save(model, optimizer, notes: ["epoch": "3"], to: "run.safetensors")
/// let notes = try Checkpoint.load("run.safetensors", into: model, optimizer)
/// ```
public enum Checkpoint {
  private static let version = "1"
  private static let extraPrefix = "training.extra."

  /// - `extras`: tensors of the caller's, under names of its own; `extras(_:)` reads them back.
  /// - Errors: `.cannotCreate`, `.io`; `.usage` for a parameter whose name begins with `training.`.
  public static func save(
    _ model: Module, _ optimizer: Optimizer, notes: [String: String] = [:],
    extras: [(name: String, value: Tensor)] = [], to path: String
  ) throws {
    var contents = SafeTensors.Contents()
    contents.tensors = model.namedTensors()
    if let bad = contents.tensors.first(where: { $0.name.hasPrefix("training.") }) {
      throw EngineError(
        .usage, "a parameter's name begins with 'training.'", received: "'\(bad.name)'",
        hint: "rename the property")
    }
    contents.tensors += try optimizer.exportedState()
    contents.tensors += extras.map { (extraPrefix + $0.name, $0.value) }
    let random = randomState
    contents.metadata = [
      ("training.version", version), ("training.rule", optimizer.rule.name),
      ("training.steps", "\(optimizer.steps)"), ("training.seed", "\(random.seed)"),
      ("training.calls", "\(random.calls)"),
    ]
    for key in notes.keys.sorted() { contents.metadata.append(("note.\(key)", notes[key] ?? "")) }
    try writeSafeTensors(contents, to: path)
  }

  /// Restores model, optimiser and random numbers; the notes.
  ///
  /// Errors: `.inputMissing`, `.malformed`; `.usage` for another rule than the checkpoint's;
  /// `.invalidModel` and `.shape` where it does not fit the model. Nothing is changed then.
  public static func load(
    _ path: String, into model: Module, _ optimizer: Optimizer
  ) throws -> [String: String] {
    let contents = try SafeTensors.read(path)
    var metadata: [String: String] = [:]
    for (key, value) in contents.metadata { metadata[key] = value }
    guard metadata["training.version"] == version,
      let steps = metadata["training.steps"].flatMap({ Int($0) }), steps >= 0,
      let seed = metadata["training.seed"].flatMap({ UInt64($0) }),
      let calls = metadata["training.calls"].flatMap({ UInt64($0) })
    else {
      throw EngineError(
        .malformed, "the file is no checkpoint of a training run", expected: "version \(version)",
        received: metadata["training.version"].map { "version \($0)" },
        hint: "load weights alone with Module.load", subject: .init(file: path))
    }
    guard metadata["training.rule"] == optimizer.rule.name else {
      throw EngineError(
        .usage, "the checkpoint was made with another optimiser",
        expected: metadata["training.rule"], received: optimizer.rule.name,
        subject: .init(file: path))
    }
    var (weights, states): ([String: Tensor], [String: Tensor]) = ([:], [:])
    for (name, value) in contents.tensors where !name.hasPrefix(extraPrefix) {
      if name.hasPrefix("training.") {
        states[name] = try value.owned()
      } else {
        weights[name] = value
      }
    }
    // Whether the weights fit is seen before anything is changed.
    let before = model.namedTensors()
    try model.take(weights, partly: false, file: path)
    do { try optimizer.importState(states, steps: steps) } catch {
      var old: [String: Tensor] = [:]
      for (name, value) in before { old[name] = value }
      try model.take(old, partly: false, file: path)
      throw error
    }
    randomState = RandomState(seed: seed, calls: calls)
    var notes: [String: String] = [:]
    for (key, value) in metadata where key.hasPrefix("note.") {
      notes[String(key.dropFirst(5))] = value
    }
    return notes
  }
  /// The tensors that were saved beside a run's own, by name.
  ///
  /// Errors: `.inputMissing`, `.malformed`.
  public static func extras(_ path: String) throws -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for (name, value) in try SafeTensors.read(path).tensors where name.hasPrefix(extraPrefix) {
      found[String(name.dropFirst(extraPrefix.count))] = try value.owned()
    }
    return found
  }
}
