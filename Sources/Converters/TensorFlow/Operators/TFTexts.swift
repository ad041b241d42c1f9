import Graphs
import Tensors

/// Text.
enum TFTexts {
  static let operators: [TFOperator] = [
    TFOperator("AsString", "without formats") { (c) throws(EngineError) in
      guard try c.a.int("precision", -1) == -1, try c.a.string("fill").isEmpty,
        c.b.dtype(try c.tensor(0))?.isInteger == true
      else { throw EngineError(.unsupported, "numbers are not written in formats") }
      return try c.b.cast(try c.tensor(0), .string)
    },
    TFOperator("StringToNumber") { (c) throws(EngineError) in
      try c.b.cast(try c.tensor(0), try c.a.dtype("out_type") ?? .float32)
    },
    TFOperator("StringJoin") { (c) throws(EngineError) in
      let b = c.b
      let separator = try c.a.string("separator")
      var result = try c.tensor(0)
      for i in 1..<max(1, c.inputs.count) {
        if !separator.isEmpty {
          let text = try b.constant(try Tensor(shape: [], strings: [separator]))
          result = try b.onnx("StringConcat", [result, text])
        }
        result = try b.onnx("StringConcat", [result, try c.tensor(i)])
      }
      return result
    },
    TFOperator("StringLower") { (c) throws(EngineError) in try changed(c, "LOWER") },
    TFOperator("StringUpper") { (c) throws(EngineError) in try changed(c, "UPPER") },
    TFOperator("StaticRegexFullMatch") { (c) throws(EngineError) in
      try c.b.onnx(
        "RegexFullMatch", [try c.tensor(0)], [.string("pattern", try c.a.string("pattern"))])
    },
    TFOperator("RegexFullMatch") { (c) throws(EngineError) in
      guard let pattern = c.b.known(try c.tensor(1))?.strings.first else {
        throw EngineError(.unsupported, "the pattern must be constant")
      }
      return try c.b.onnx("RegexFullMatch", [try c.tensor(0)], [.string("pattern", pattern)])
    },
  ]

  /// Letters in one case; the operator takes a row at a time.
  private static func changed(_ c: TFCall, _ how: String) throws(EngineError) -> ValueID {
    let b = c.b
    let x = try c.tensor(0)
    let made = try b.onnx(
      "StringNormalizer", [try b.reshape(x, [-1])], [.string("case_change_action", how)])
    return try b.reshape(made, try b.shape(x))
  }
}
