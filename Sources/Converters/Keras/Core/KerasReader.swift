import Formats
import Tensors

/// Makes layers of their configurations, and gathers what cannot be converted.
final class KerasReader {
  /// The first number of the version of Keras that wrote the file: some defaults differ.
  let majorVersion: Int
  private(set) var unsupported = UnsupportedParts()
  private(set) var notes: [String] = []
  /// The layers being made, outermost first, and what is within each so far.
  private var stack:
    [(name: String, place: String, children: [(path: String, object: KerasObject)])] = []
  private let assets: (String) -> [String]?
  private var objectsLeft = 100_000

  static let maxDepth = 32

  /// - `assets`: gives the lines of a vocabulary that the archive keeps in a file of its own, by the
  ///   path of attributes to its layer.
  init(majorVersion: Int, assets: @escaping (String) -> [String]? = { _ in nil }) {
    self.majorVersion = majorVersion
    self.assets = assets
  }

  /// The vocabulary that the archive keeps for the layer being made, or nil.
  func vocabulary(isText: Bool) -> [JSONValue]? {
    let place = stack.dropFirst().map(\.place).joined(separator: "/")
    guard let lines = assets(place) else { return nil }
    return lines.map { line in
      isText ? .string(line) : Int64(line).map { .int($0) } ?? .string(line)
    }
  }

  var path: String { stack.map(\.name).joined(separator: "/") }

  /// The layer of a serialised configuration, outside of any other.
  ///
  /// Errors: `.malformed`; `.budget` for nesting without end. What cannot be converted is noted and
  /// stands for nothing until `check`.
  func object(_ value: JSONValue) throws(EngineError) -> KerasObject {
    try object(KerasConfig(serialized: value))
  }

  /// The layer of a configuration within the one being made, under the path of attributes that its
  /// weights are stored by.
  func child(_ value: JSONValue, at path: String) throws(EngineError) -> KerasObject {
    try child(KerasConfig(serialized: value), at: path)
  }

  func child(_ config: KerasConfig, at path: String) throws(EngineError) -> KerasObject {
    let made = try object(config, at: path)
    if let last = stack.indices.last { stack[last].children.append((path, made)) }
    return made
  }

  private func object(
    _ config: KerasConfig, at own: String = ""
  ) throws(EngineError) -> KerasObject {
    guard stack.count < Self.maxDepth, objectsLeft > 0 else {
      throw EngineError(
        .budget, "the model has too many layers, or layers too deep within others",
        expected: "at most \(Self.maxDepth) levels")
    }
    objectsLeft -= 1
    stack.append((config.name, own, []))
    let place = path
    defer { stack.removeLast() }
    do throws(EngineError) {
      let layer = try make(config, at: place)
      return try KerasObject(config, layer, children: stack.last?.children ?? [])
    } catch {
      guard error.code == .unsupported else { throw error.at(node: place) }
      let expected = error.expected.map { ", expected \($0)" } ?? ""
      unsupported.add(config.className, at: place, error.message + expected)
      let bare: JSONObject = ["name": .string(config.name)]
      return try KerasObject(
        KerasConfig(className: config.className, members: bare), UnknownLayer(), children: [])
    }
  }

  private func make(
    _ config: KerasConfig, at place: String
  ) throws(EngineError) -> any KerasLayer {
    guard let type = KerasLayers.type(of: config) else {
      unsupported.add(
        config.className, at: place,
        KerasLayers.refusals[config.className] ?? "no built-in layer that can be converted")
      return UnknownLayer()
    }
    return try type.init(config, self)
  }

  func note(_ text: String) {
    if !notes.contains(text) { notes.append(text) }
  }

  /// Errors: `.unsupported` listing all that cannot be converted, where there is any.
  func check(_ kind: SourceKind) throws(EngineError) { try unsupported.check(kind) }
}

/// Stands where a layer cannot be converted, until that is reported.
struct UnknownLayer: KerasLayer {
  init() {}
  init(_ config: KerasConfig, _ reader: KerasReader) {}
  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    throw EngineError(.unsupported, "a layer cannot be converted")
  }
}
