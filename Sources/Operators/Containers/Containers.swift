import Graphs
import Tensors

/// Operators on sequences and optionals.
enum Containers {
  static let operators: [any Operator.Type] = [
    ConcatFromSequence.self,
    OptionalGetElement.self,
    OptionalHasElement.self,
    OptionalOp.self,
    SequenceAt.self,
    SequenceConstruct.self,
    SequenceEmpty.self,
    SequenceErase.self,
    SequenceInsert.self,
    SequenceLength.self,
    SequenceMap.self,
    SplitToSequence.self,
  ]

  /// What elements of a sequence may be made of.
  static let types: DTypes = [.numeric, .bool, .string, .complex]
}

extension Fact {
  /// The type of a sequence's elements; nil where unknown or not a sequence.
  var elementType: ValueType? { if case .sequence(let t) = type { t } else { nil } }
}

extension ValueType {
  /// The type of one element: sizes that are not numbers differ from element to element.
  func opened(_ c: Inference) -> ValueType {
    guard case .tensor(let d, let dims?) = self else { return self }
    return .tensor(d, dims.map { $0.known == nil ? c.unknown() : $0 })
  }

  /// The common type of two elements of a sequence.
  func joined(_ other: ValueType) -> ValueType {
    guard case .tensor(let d, let x) = self, case .tensor(let e, let y) = other else {
      return self == other ? self : .tensor(nil, nil)
    }
    let dtype = d ?? e
    guard let x, let y, x.count == y.count else { return .tensor(dtype, nil) }
    return .tensor(dtype, zip(x, y).map { $0 == $1 ? $0 : Dim(symbol: "?") })
  }
}

extension Evaluation {
  /// The elements of input `i`.
  ///
  /// Errors: `.dtype` when it is not a sequence.
  func sequence(_ i: Int) throws(EngineError) -> [Value] {
    var value = try value(i)
    if case .optional(let held?) = value { value = held }
    guard case .sequence(let list) = value else {
      throw EngineError(
        .dtype, "wrong kind of value", expected: "a sequence", received: value.kind)
    }
    return list
  }

  /// Input `i` as a place among `count` elements, counted from the back where negative; `end` may
  /// be `count`, one behind the last.
  ///
  /// Errors: `.value` out of range, `.shape` for other than one number.
  func place(_ i: Int, count: Int, end: Int) throws(EngineError) -> Int {
    let t = try tensor(i)
    guard t.count == 1, t.dtype == .int64 || t.dtype == .int32 else {
      throw EngineError(
        .shape, "a position must be one integer", expected: "int32 or int64 scalar",
        received: "\(t.type)")
    }
    let place =
      t.dtype == .int64 ? Int(t.elements(Int64.self)[0]) : Int(t.elements(Int32.self)[0])
    let at = place < 0 ? place &+ count : place
    guard at >= 0, at < end else {
      throw EngineError(
        .value, "the position is out of range",
        expected: "\(-count) to \(end - 1) for \(count) elements", received: "\(place)")
    }
    return at
  }
}

/// Refuses a tensor whose element type is not that of the sequence's elements.
func checkElementType(_ t: Tensor, among list: [Value]) throws(EngineError) {
  guard case .tensor(let first)? = list.first, first.dtype != t.dtype else { return }
  throw EngineError(
    .dtype, "the elements of a sequence share one element type", expected: "\(first.dtype)",
    received: "\(t.dtype)")
}
