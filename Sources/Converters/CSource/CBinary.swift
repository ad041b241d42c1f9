import Graphs
import Operators
import Tensors

/// Functions of two numbers, as expressions of C.
enum CBinary {
  static let names = [
    "Add", "Sub", "Mul", "Div", "Pow", "Mod", "PRelu", "And", "Or", "Xor", "Equal", "Greater",
    "Less", "GreaterOrEqual", "LessOrEqual", "BitwiseAnd", "BitwiseOr", "BitwiseXor",
  ]

  /// Whether the shapes are equal, so that the form of broadcasting does not matter.
  static func isPlain(_ b: CBody) -> Bool {
    guard let x = try? b.input(0), let y = try? b.input(1) else { return false }
    return x.shape == y.shape || y.count == 1
  }

  /// `a op b`; integers wrap.
  static func wrapped(_ op: String, _ a: String, _ b: String, _ dtype: DType) -> String {
    if dtype.isFloat { return "\(a) \(op) \(b)" }
    let (u, t) = (CType.unsigned(dtype), CType.name(dtype) ?? "int32_t")
    return "(\(t))((\(u))\(a) \(op) (\(u))\(b))"
  }

  static func expression(
    _ op: any Operator, _ name: String, _ dtype: DType
  ) -> ((String, String) -> String)? {
    let comparisons = [
      "Equal": "==", "Greater": ">", "Less": "<", "GreaterOrEqual": ">=", "LessOrEqual": "<=",
    ]
    if let sign = comparisons[name] { return { "\($0) \(sign) \($1)" } }
    let bits = ["BitwiseAnd": "&", "BitwiseOr": "|", "BitwiseXor": "^"]
    if let sign = bits[name], dtype.isInteger {
      let type = CType.name(dtype) ?? "int32_t"
      return { "(\(type))(\($0) \(sign) \($1))" }
    }
    switch name {
    case "And": return { "\($0) && \($1)" }
    case "Or": return { "\($0) || \($1)" }
    case "Xor": return { "\($0) != \($1)" }
    case "Add": return { wrapped("+", $0, $1, dtype) }
    case "Sub": return { wrapped("-", $0, $1, dtype) }
    case "Mul": return { wrapped("*", $0, $1, dtype) }
    case "Div":
      if dtype.isFloat { return { "\($0) / \($1)" } }
      // Division by zero gives zero here, and the least number by -1 itself.
      let t = CType.name(dtype) ?? "int32_t"
      if dtype.isUnsignedInteger { return { "\($1) == 0 ? 0 : (\(t))(\($0) / \($1))" } }
      return { a, b in
        "\(b) == 0 ? 0 : \(b) == -1 ? \(wrapped("-", "0", a, dtype)) : (\(t))(\(a) / \(b))"
      }
    case "Pow" where dtype.isFloat:
      let pow = CType.function("pow", dtype)
      return { "\(pow)(\($0), \($1))" }
    case "Mod" where dtype.isFloat && (op as? Mod)?.fmod != true:
      let floor = CType.function("floor", dtype)
      return { "\($0) - \($1) * \(floor)(\($0) / \($1))" }
    case "Mod" where dtype.isFloat:
      let mod = CType.function("fmod", dtype)
      return { "\(mod)(\($0), \($1))" }
    case "Mod":
      let t = CType.name(dtype) ?? "int32_t"
      let isC = (op as? Mod)?.fmod == true || dtype.isUnsignedInteger
      if isC { return { "\($1) == 0 || \($1) + 1 == 0 ? 0 : (\(t))(\($0) % \($1))" } }
      return { a, b in
        "\(b) == 0 || \(b) == -1 ? 0 : (\(t))((\(a) % \(b) + \(b)) % \(b))"
      }
    case "PRelu": return { "\($0) < 0 ? \($0) * \($1) : \($0)" }
    default: return nil
    }
  }
}
