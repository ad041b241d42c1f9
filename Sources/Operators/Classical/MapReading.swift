import Graphs
import Tensors

extension MapValue {
  /// The values as one tensor `[keys]`.
  ///
  /// Errors: `.dtype` when they are no single numbers or strings of one type, `.shape` when they
  /// are not as many as the keys.
  func flatValues() throws(EngineError) -> Tensor {
    let flat: Tensor
    switch values {
    case .tensor(let t): flat = t
    case .sequence(let list):
      var parts: [Tensor] = []
      for v in list { parts.append(try v.asTensor()) }
      flat = try MapValue.joined(parts)
    default:
      throw EngineError(
        .dtype, "wrong kind of value in a map", expected: "numbers or strings",
        received: values.kind)
    }
    guard flat.count == keys.count else {
      throw EngineError(
        .shape, "a map has not as many values as keys", expected: "\(keys.count)",
        received: "\(flat.count)")
    }
    return try flat.reshaped([flat.count])
  }

  private static func joined(_ parts: [Tensor]) throws(EngineError) -> Tensor {
    guard let dtype = parts.first?.dtype else { return try Tensor([] as [Float]) }
    for t in parts where t.count != 1 || t.dtype != dtype || dtype.isPacked {
      throw EngineError(
        .dtype, "the values of a map are not of one kind", expected: "one \(dtype) each",
        received: "\(t.type)")
    }
    if dtype == .string {
      return try Tensor(shape: [parts.count], strings: parts.map { $0.strings[0] })
    }
    let size = dtype.byteSize
    return try Tensor(TensorType(dtype, [parts.count])) { (bytes) throws(EngineError) in
      guard let to = bytes.baseAddress else { return }
      for (i, t) in parts.enumerated() {
        (to + i * size).copyMemory(from: t.storage.bytes, byteCount: size)
        withExtendedLifetime(t) {}
      }
    }
  }

  /// The keys as integers.
  ///
  /// Errors: `.dtype` when they are strings.
  func integerKeys() throws(EngineError) -> [Int64] {
    switch keys.dtype {
    case .string:
      throw EngineError(.dtype, "a map has other keys", expected: "integers", received: "strings")
    default: Array(try converted(keys, .int64).elements(Int64.self))
    }
  }
}

extension Evaluation {
  /// Input `i` as a map.
  ///
  /// Errors: `.dtype` when it is none.
  func map(_ i: Int) throws(EngineError) -> MapValue {
    let value = try value(i)
    guard case .map(let map) = value else {
      throw EngineError(.dtype, "wrong kind of value", expected: "a map", received: value.kind)
    }
    return map
  }
}

extension Fact {
  /// The type of a map's keys, where it is known.
  var keyType: DType? { if case .map(let k, _) = type { k } else { nil } }
  /// The element type of a map's values, where it is known.
  var mapDType: DType? {
    if case .map(_, .tensor(let d, _)?) = type { d } else { nil }
  }
}
