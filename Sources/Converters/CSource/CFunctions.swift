import Graphs
import Operators
import Tensors

/// Functions of one number, as expressions of C. `x` stands for the number, `F(name)` for a
/// function of libm in the number's type, `N(value)` for a literal of it.
enum CFunctions {
  /// Those that floats have, without attributes.
  private static let floats: [String: String] = [
    "Acos": "F(acos)(x)", "Acosh": "F(acosh)(x)", "Asin": "F(asin)(x)", "Asinh": "F(asinh)(x)",
    "Atan": "F(atan)(x)", "Atanh": "F(atanh)(x)", "Ceil": "F(ceil)(x)", "Cos": "F(cos)(x)",
    "Cosh": "F(cosh)(x)", "Erf": "F(erf)(x)", "Exp": "F(exp)(x)", "Floor": "F(floor)(x)",
    "Log": "F(log)(x)", "Round": "F(rint)(x)", "Sigmoid": "N(1) / (N(1) + F(exp)(-x))",
    "Sin": "F(sin)(x)", "Sinh": "F(sinh)(x)", "Sqrt": "F(sqrt)(x)", "Tan": "F(tan)(x)",
    "Tanh": "F(tanh)(x)", "Reciprocal": "N(1) / x", "Softsign": "x / (N(1) + F(fabs)(x))",
    "Softplus": "(x > N(0) ? x : N(0)) + F(log1p)(F(exp)(-F(fabs)(x)))",
    "Mish": "x * F(tanh)((x > N(0) ? x : N(0)) + F(log1p)(F(exp)(-F(fabs)(x))))",
    "HardSwish": "x * F(fmax)(N(0), F(fmin)(N(1), x * N(0.16666667) + N(0.5)))",
    "IsNaN": "x != x",
  ]

  static let names =
    Array(floats.keys) + [
      "Abs", "Neg", "Sign", "Relu", "Not", "BitwiseNot", "Elu", "Selu", "Celu", "LeakyRelu",
      "HardSigmoid", "ThresholdedRelu", "Shrink", "Gelu", "Swish", "IsInf",
    ]

  /// The expression; nil where the type has no such function.
  static func expression(_ op: any Operator, _ dtype: DType) -> String? {
    let name = Swift.type(of: op).schema.name
    if dtype.isFloat {
      if let form = floats[name] { return form }
      return withAttributes(op) ?? general[name]
    }
    switch name {
    case "Not": return "!x"
    case "BitwiseNot": return "~x"
    case "Abs": return dtype.isSignedInteger ? "x < 0 ? 0 - x : x" : "x"
    case "Neg": return dtype.isSignedInteger ? "0 - x" : nil
    default: return dtype.isInteger ? general[name] : nil
    }
  }

  private static let general: [String: String] = [
    "Abs": "F(fabs)(x)", "Neg": "-x", "Sign": "(x > 0) - (x < 0)", "Relu": "x < 0 ? 0 : x",
  ]

  private static func n(_ value: Float) -> String { "N(\(value))" }

  private static func withAttributes(_ op: any Operator) -> String? {
    switch op {
    case let op as Elu: return "x < N(0) ? \(n(op.alpha)) * F(expm1)(x) : x"
    case let op as Selu:
      return "x > N(0) ? \(n(op.gamma)) * x : \(n(op.gamma)) * \(n(op.alpha)) * F(expm1)(x)"
    case let op as Celu:
      let inner = "\(n(op.alpha)) * F(expm1)(x / \(n(op.alpha)))"
      return "F(fmax)(N(0), x) + F(fmin)(N(0), \(inner))"
    case let op as LeakyRelu: return "x < N(0) ? \(n(op.alpha)) * x : x"
    case let op as HardSigmoid:
      return "F(fmax)(N(0), F(fmin)(N(1), x * \(n(op.alpha)) + \(n(op.beta))))"
    case let op as ThresholdedRelu: return "x > \(n(op.alpha)) ? x : N(0)"
    case let op as Shrink:
      let above = "x > \(n(op.lambda)) ? x - \(n(op.bias)) : N(0)"
      return "x < \(n(-op.lambda)) ? x + \(n(op.bias)) : \(above)"
    case let op as Gelu where op.isTanh:
      return "N(0.5) * x * (N(1) + F(tanh)(N(0.7978845608) * (x + N(0.044715) * x * x * x)))"
    case is Gelu: return "N(0.5) * x * (N(1) + F(erf)(x * N(0.7071067812)))"
    case let op as Swish: return "x / (N(1) + F(exp)(\(n(-op.alpha)) * x))"
    case let op as IsInf:
      switch (op.detectNegative, op.detectPositive) {
      case (true, true): return "isinf(x) != 0"
      case (true, false): return "isinf(x) && x < 0"
      case (false, true): return "isinf(x) && x > 0"
      default: return "0"
      }
    default: return nil
    }
  }

  /// The expression with `x`, functions and literals put in.
  static func filled(_ form: String, _ x: String, _ dtype: DType) -> String {
    var result = ""
    var rest = form[...]
    while let c = rest.first {
      if rest.hasPrefix("F("), let end = rest.firstIndex(of: ")") {
        let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
        result += CType.function(name, dtype)
        rest = rest[rest.index(after: end)...]
      } else if rest.hasPrefix("N("), let end = rest.firstIndex(of: ")") {
        let text = rest[rest.index(rest.startIndex, offsetBy: 2)..<end]
        let value = Double(text) ?? 0
        // A negative literal keeps its sign whatever stands before it.
        let literal = CType.number(value, dtype)
        result += value < 0 ? "(\(literal))" : literal
        rest = rest[rest.index(after: end)...]
      } else {
        let isAlone =
          c == "x" && !(result.last?.isLetter ?? false)
          && !(rest.dropFirst().first?.isLetter ?? false)
        result += isAlone ? x : String(c)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}
