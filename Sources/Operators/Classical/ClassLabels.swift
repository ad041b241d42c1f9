import Graphs
import Tensors

/// The names of classes, all integers or all strings.
public enum ClassLabels: Hashable, Sendable {
  case ints([Int])
  case strings([String])

  /// Reads the one of two attributes that is given.
  ///
  /// Errors: `.attribute` when both or none hold labels.
  init(
    reading a: AttributeReader, ints: String, strings: String
  ) throws(EngineError) {
    let numbers = try a.ints(ints, default: [])
    let texts = try a.strings(strings, default: [])
    guard numbers.isEmpty != texts.isEmpty else {
      throw EngineError(
        .attribute, "the classes have no labels, or two kinds of them",
        expected: "one of '\(ints)' and '\(strings)'", received: texts.isEmpty ? "none" : "both")
    }
    self = texts.isEmpty ? .ints(numbers) : .strings(texts)
  }

  func attribute(ints: String, strings: String) -> Attribute {
    switch self {
    case .ints(let list): .ints(ints, list)
    case .strings(let list): .strings(strings, list)
    }
  }

  public var count: Int {
    switch self {
    case .ints(let list): list.count
    case .strings(let list): list.count
    }
  }
  var dtype: DType { if case .ints = self { .int64 } else { .string } }
  /// The labels as a tensor `[count]`.
  func tensor() throws(EngineError) -> Tensor {
    switch self {
    case .ints(let list): try Tensor(list.map { Int64($0) })
    case .strings(let list): try Tensor(shape: [list.count], strings: list)
    }
  }
}
