import Graphs
import Tensors

extension LabelEncoder {
  /// What stands for elements that are no key, unless the model says otherwise.
  static func standard(_ dtype: DType) throws(EngineError) -> Tensor {
    switch dtype {
    case .string: try Tensor(shape: [1], strings: ["_Unused"])
    case .float32: try Tensor([-0.0 as Float])
    case .float64: try Tensor([-0.0 as Double])
    default: try element(-1, dtype)
    }
  }

  /// Keys or values, whichever of the four attributes of `kind` has them.
  ///
  /// Errors: `.attribute` unless one of them is given.
  static func list(_ a: AttributeReader, _ kind: String) throws(EngineError) -> Tensor {
    let names = ["_floats", "_int64s", "_strings", "_tensor"].map { kind + $0 }
    let given = names.filter { a.has($0) }
    guard given.count == 1 else {
      throw EngineError(
        .attribute, "the encoder needs one list of \(kind)",
        expected: "one of " + names.joined(separator: ", "),
        received: given.isEmpty ? "none" : given.joined(separator: ", "))
    }
    switch given[0] {
    case names[0]: return try Tensor(a.floats(names[0], default: []))
    case names[1]: return try Tensor(a.ints(names[1]).map { Int64($0) })
    case names[2]:
      let texts = try a.strings(names[2], default: [])
      return try Tensor(shape: [texts.count], strings: texts)
    default:
      guard let t = try a.tensor(names[3]) else {
        throw EngineError(.attribute, "'\(names[3])' holds no tensor")
      }
      return t
    }
  }

  /// A list as the attribute that newest versions have for its type.
  static func attribute(_ kind: String, _ t: Tensor) -> Attribute {
    switch t.dtype {
    case .float32: .floats(kind + "_floats", Array(t.elements(Float.self)))
    case .int64: .ints(kind + "_int64s", t.elements(Int64.self).map { Int($0) })
    case .string: .strings(kind + "_strings", t.strings)
    default: .tensor(kind + "_tensor", t)
    }
  }

  static func fallbackAttribute(_ t: Tensor) -> Attribute {
    switch t.dtype {
    case .float32: .float("default_float", t.elements(Float.self)[0])
    case .int64: .int("default_int64", Int(t.elements(Int64.self)[0]))
    case .string: .string("default_string", t.strings[0])
    default: .tensor("default_tensor", t)
    }
  }

  static func reversed(_ t: Tensor) throws(EngineError) -> Tensor {
    if t.dtype == .string {
      return try Tensor(shape: [t.count], strings: t.strings.reversed())
    }
    let size = t.dtype.byteSize
    return try Tensor(TensorType(t.dtype, [t.count])) { (bytes) throws(EngineError) in
      guard let to = bytes.baseAddress else { return }
      for i in 0..<t.count {
        (to + i * size).copyMemory(
          from: t.storage.bytes + (t.count - 1 - i) * size, byteCount: size)
      }
      withExtendedLifetime(t) {}
    }
  }
}
