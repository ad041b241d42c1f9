import Graphs
import Tensors

/// Functions of one element.
enum TFUnary {
  /// Operators that ONNX has under these names.
  private static let direct: [(String, String)] = [
    ("Abs", "Abs"), ("Neg", "Neg"), ("Exp", "Exp"), ("Log", "Log"), ("Sqrt", "Sqrt"),
    ("Sin", "Sin"), ("Cos", "Cos"), ("Tan", "Tan"), ("Asin", "Asin"), ("Acos", "Acos"),
    ("Atan", "Atan"), ("Sinh", "Sinh"), ("Cosh", "Cosh"), ("Tanh", "Tanh"), ("Asinh", "Asinh"),
    ("Acosh", "Acosh"), ("Atanh", "Atanh"), ("Sign", "Sign"), ("Floor", "Floor"),
    ("Ceil", "Ceil"), ("Round", "Round"), ("Rint", "Round"), ("Erf", "Erf"),
    ("Sigmoid", "Sigmoid"), ("Relu", "Relu"), ("Elu", "Elu"), ("Selu", "Selu"),
    ("Softplus", "Softplus"), ("Softsign", "Softsign"), ("IsNan", "IsNaN"), ("IsInf", "IsInf"),
    ("LogicalNot", "Not"), ("Reciprocal", "Reciprocal"), ("Inv", "Reciprocal"),
    ("Invert", "BitwiseNot"),
  ]

  typealias Formula = @Sendable (ConversionBuilder, ValueID) throws(EngineError) -> ValueID

  private static let formulas: [(String, Formula)] = [
    ("Square", { (b, x) throws(EngineError) in try b.mul(x, x) }),
    (
      "Rsqrt",
      { (b, x) throws(EngineError) in try b.onnx("Reciprocal", [try b.onnx("Sqrt", [x])]) }
    ),
    (
      "Expm1",
      { (b, x) throws(EngineError) in
        try b.sub(try b.onnx("Exp", [x]), try b.number(1, like: x))
      }
    ),
    (
      "Log1p",
      { (b, x) throws(EngineError) in
        try b.onnx("Log", [try b.add(x, try b.number(1, like: x))])
      }
    ),
    (
      "Erfc",
      { (b, x) throws(EngineError) in
        try b.sub(try b.number(1, like: x), try b.onnx("Erf", [x]))
      }
    ),
    (
      "IsFinite",
      { (b, x) throws(EngineError) in
        try b.onnx(
          "Not", [try b.onnx("Or", [try b.onnx("IsNaN", [x]), try b.onnx("IsInf", [x])])])
      }
    ),
    (
      "Relu6",
      { (b, x) throws(EngineError) in
        try b.onnx("Clip", [x, try b.number(0, like: x), try b.number(6, like: x)])
      }
    ),
  ]

  static let operators: [TFOperator] =
    direct.map { name, onnx in
      TFOperator(name) { (c) throws(EngineError) in
        try c.b.elementwise(try c.tensor(0)) { (x) throws(EngineError) in
          try c.b.onnx(onnx, [x])
        }
      }
    }
    + formulas.map { name, formula in
      TFOperator(name) { (c) throws(EngineError) in
        try c.b.elementwise(try c.tensor(0)) { (x) throws(EngineError) in try formula(c.b, x) }
      }
    }
    + [
      TFOperator("LeakyRelu") { (c) throws(EngineError) in
        let alpha = try c.a.float("alpha", 0.2)
        return try c.b.elementwise(try c.tensor(0)) { (x) throws(EngineError) in
          try c.b.onnx("LeakyRelu", [x], [.float("alpha", alpha)])
        }
      },
      TFOperator("Cast") { (c) throws(EngineError) in
        guard let dtype = try c.a.dtype("DstT") else {
          throw EngineError(.unsupported, "the type to cast to has no tensors")
        }
        return try c.b.elementwise(try c.tensor(0)) { (x) throws(EngineError) in
          try c.b.cast(x, dtype)
        }
      },
      TFOperator("Softmax") { (c) throws(EngineError) in
        try c.b.onnx("Softmax", [try c.tensor(0)], [.int("axis", -1)])
      },
      TFOperator("LogSoftmax") { (c) throws(EngineError) in
        try c.b.onnx("LogSoftmax", [try c.tensor(0)], [.int("axis", -1)])
      },
      TFOperator("ClipByValue") { (c) throws(EngineError) in
        let (low, high) = (try c.tensor(1), try c.tensor(2))
        let raised = try c.b.broadcast("Max", try c.tensor(0), low)
        return try c.b.broadcast("Min", raised, high)
      },
      TFOperator("L2Loss") { (c) throws(EngineError) in
        let b = c.b
        let x = try c.tensor(0)
        let sum = try b.onnx("ReduceSumSquare", [x], [.int("keepdims", 0)])
        return try b.mul(sum, try b.number(0.5, like: x))
      },
      TFOperator("Cumsum") { (c) throws(EngineError) in
        try c.b.onnx(
          "CumSum", [try c.tensor(0), try c.b.reshape(try c.tensor(1), [])],
          [
            .bool("exclusive", try c.a.bool("exclusive")),
            .bool("reverse", try c.a.bool("reverse")),
          ])
      },
    ]
}
