import Graphs
import Tensors

/// How one operator of PyTorch is converted.
struct TorchOperator: Sendable {
  typealias Rule = @Sendable (TorchCall) throws(EngineError) -> [TorchValue]

  /// Namespace, name and overload: `aten.add.Tensor`.
  let name: String
  /// Limits, in a few words; may be empty.
  let note: String
  /// Whether it also has a form that changes its first operand: `aten.add_.Tensor`.
  let hasInPlaceForm: Bool
  /// Whether its result shares memory with its first operand.
  let isView: Bool
  let rule: Rule

  init(
    _ name: String, note: String = "", inPlace: Bool = false, isView: Bool = false,
    _ rule: @escaping Rule
  ) {
    self.name = name
    self.note = note
    hasInPlaceForm = inPlace
    self.isView = isView
    self.rule = rule
  }

  /// One that gives a single tensor.
  static func one(
    _ name: String, note: String = "", inPlace: Bool = false, isView: Bool = false,
    _ rule: @escaping @Sendable (TorchCall) throws(EngineError) -> ValueID
  ) -> TorchOperator {
    TorchOperator(name, note: note, inPlace: inPlace, isView: isView) { (c) throws(EngineError) in
      [.tensor(try rule(c))]
    }
  }

  /// The lists one after the other.
  static func joined(_ lists: [TorchOperator]...) -> [TorchOperator] { lists.flatMap { $0 } }

  /// The names under which it is found.
  var names: [String] { hasInPlaceForm ? [name, Self.inPlace(name)] : [name] }

  /// `aten.add.Tensor` as `aten.add_.Tensor`.
  private static func inPlace(_ name: String) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    if parts.count == 3 { parts[1] += "_" }
    return parts.joined(separator: ".")
  }

  /// The name of the form without effects, where `target` is one with.
  static func pure(_ target: String) -> String? {
    var parts = target.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    guard parts.count == 3, parts[0] == "aten", parts[1].hasSuffix("_"),
      !parts[1].hasSuffix("__")
    else { return nil }
    parts[1].removeLast()
    return parts.joined(separator: ".")
  }
}
