import Tensors

/// What a callback must know again when a run that was broken off goes on.
public struct CallbackMemory: Sendable {
  /// Small facts by name.
  public var notes: [String: String] = [:]
  /// Tensors by name.
  public var tensors: [(name: String, value: Tensor)] = []

  public init(notes: [String: String] = [:], tensors: [(name: String, value: Tensor)] = []) {
    self.notes = notes
    self.tensors = tensors
  }

  var isEmpty: Bool { notes.isEmpty && tensors.isEmpty }

  /// A whole number among the notes; nil where there is none.
  func integer(_ name: String) -> Int? { notes[name].flatMap { Int($0) } }
  /// A number among the notes; nil where there is none.
  func number(_ name: String) -> Double? { notes[name].flatMap { Double($0) } }
}
