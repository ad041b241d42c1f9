import Graphs
import Tensors

/// Functions of one and two elements.
enum LiteElementwise {
  private static let unary: [(String, String)] = [
    ("ABS", "Abs"), ("NEG", "Neg"), ("EXP", "Exp"), ("LOG", "Log"), ("SQRT", "Sqrt"),
    ("SIN", "Sin"), ("COS", "Cos"), ("TANH", "Tanh"), ("FLOOR", "Floor"), ("CEIL", "Ceil"),
    ("ROUND", "Round"), ("SIGN", "Sign"), ("LOGISTIC", "Sigmoid"), ("RELU", "Relu"),
    ("ELU", "Elu"), ("HARD_SWISH", "HardSwish"),
  ]
  /// With the field of the fused activation.
  private static let binary: [(String, String)] = [
    ("ADD", "Add"), ("SUB", "Sub"), ("MUL", "Mul"), ("DIV", "Div"),
  ]
  private static let plainBinary: [(String, String)] = [
    ("MAXIMUM", "Max"), ("MINIMUM", "Min"), ("POW", "Pow"),
  ]

  static let operators: [LiteOperator] =
    unary.map { name, onnx in
      LiteOperator(name) { (c) throws(EngineError) in
        try c.b.elementwise(try c.number(0)) { (x) throws(EngineError) in
          try c.b.onnx(onnx, [x])
        }
      }
    }
    + binary.map { name, onnx in
      LiteOperator(name) { (c) throws(EngineError) in
        try c.activated(
          try c.b.broadcast(onnx, try c.number(0), try c.number(1)), try c.optionByte(0))
      }
    }
    + plainBinary.map { name, onnx in
      LiteOperator(name) { (c) throws(EngineError) in
        try c.b.broadcast(onnx, try c.number(0), try c.number(1))
      }
    }
    + [("RELU6", 3), ("RELU_N1_TO_1", 2)].map { name, code in
      LiteOperator(name) { (c) throws(EngineError) in try c.activated(try c.number(0), code) }
    }
    + [
      LiteOperator("RELU_0_TO_1") { (c) throws(EngineError) in
        try c.b.elementwise(try c.number(0)) { (x) throws(EngineError) in
          try c.b.onnx("Clip", [x, try c.b.number(0, like: x), try c.b.number(1, like: x)])
        }
      },
      LiteOperator("LEAKY_RELU") { (c) throws(EngineError) in
        let alpha = try c.optionFloat(0)
        return try c.b.elementwise(try c.number(0)) { (x) throws(EngineError) in
          try c.b.onnx("LeakyRelu", [x], [.float("alpha", alpha)])
        }
      },
      LiteOperator("GELU") { (c) throws(EngineError) in
        let how: [Attribute] = try c.optionFlag(0) ? [.string("approximate", "tanh")] : []
        return try c.b.elementwise(try c.number(0)) { (x) throws(EngineError) in
          try c.b.onnx("Gelu", [x], how)
        }
      },
      LiteOperator("PRELU") { (c) throws(EngineError) in
        let (b, x) = (c.b, try c.number(0))
        let slope = try c.number(1)
        return try b.broadcast(x, slope) { (v, s) throws(EngineError) in
          try b.onnx("PRelu", [v, s])
        }
      },
      LiteOperator("SQUARE") { (c) throws(EngineError) in
        try c.b.elementwise(try c.number(0)) { (x) throws(EngineError) in try c.b.mul(x, x) }
      },
      LiteOperator("RSQRT") { (c) throws(EngineError) in
        try c.b.elementwise(try c.number(0)) { (x) throws(EngineError) in
          try c.b.onnx("Reciprocal", [try c.b.onnx("Sqrt", [x])])
        }
      },
      LiteOperator("SQUARED_DIFFERENCE") { (c) throws(EngineError) in
        try c.b.broadcast(try c.number(0), try c.number(1)) { (x, y) throws(EngineError) in
          let d = try c.b.sub(x, y)
          return try c.b.mul(d, d)
        }
      },
      LiteOperator("FLOOR_DIV") { (c) throws(EngineError) in
        try c.b.floorDivision(try c.number(0), try c.number(1))
      },
      LiteOperator("FLOOR_MOD") { (c) throws(EngineError) in
        try c.b.floorRemainder(try c.number(0), try c.number(1))
      },
      LiteOperator("ATAN2") { (c) throws(EngineError) in
        try c.b.angle(try c.number(0), try c.number(1))
      },
      LiteOperator("ADD_N") { (c) throws(EngineError) in
        var sum = try c.number(0)
        for x in try c.numbers(from: 1) { sum = try c.b.broadcast("Add", sum, x) }
        return sum
      },
      .plain("CAST") { (c) throws(EngineError) in
        guard let dtype = c.output?.dtype else {
          throw EngineError(.unsupported, "the type to cast to has no tensors")
        }
        return try c.b.cast(try c.stored(0), dtype)
      },
      .plain("BITWISE_XOR") { (c) throws(EngineError) in
        try c.b.onnx("BitwiseXor", [try c.stored(0), try c.stored(1)])
      },
      .plain("RIGHT_SHIFT") { (c) throws(EngineError) in
        try c.b.shift(try c.stored(0), try c.stored(1), left: false)
      },
      LiteOperator("SOFTMAX") { (c) throws(EngineError) in
        var x = try c.number(0)
        let beta = try c.optionFloat(0, 1)
        if beta != 1 { x = try c.b.mul(x, try c.b.number(Double(beta), like: x)) }
        return try c.b.onnx("Softmax", [x], [.int("axis", -1)])
      },
      LiteOperator("LOG_SOFTMAX") { (c) throws(EngineError) in
        try c.b.onnx("LogSoftmax", [try c.number(0)], [.int("axis", -1)])
      },
      LiteOperator("CUMSUM") { (c) throws(EngineError) in
        try c.b.onnx(
          "CumSum", [try c.number(0), try c.b.reshape(try c.stored(1), [])],
          [.bool("exclusive", try c.optionFlag(0)), .bool("reverse", try c.optionFlag(1))])
      },
      LiteOperator("L2_NORMALIZATION") { (c) throws(EngineError) in
        let b = c.b
        let x = try c.number(0)
        let sum = try b.onnx("ReduceSumSquare", [x, try b.ints([-1])])
        // TensorFlow Lite takes at least 1e-6 for the norm.
        let norm = try b.onnx(
          "Max", [try b.onnx("Sqrt", [sum]), try b.number(1e-6, like: x)])
        return try c.activated(try b.div(x, norm), try c.optionByte(0))
      },
      LiteOperator("LOCAL_RESPONSE_NORMALIZATION") { (c) throws(EngineError) in
        let b = c.b
        let radius = try c.optionInt(0)
        guard radius >= 0, radius < 1 << 20 else {
          throw EngineError(.invalidModel, "the radius is out of range")
        }
        let size = 2 * radius + 1
        let made = try b.onnx(
          "LRN", [try b.channelsFirst(try c.number(0))],
          [
            .int("size", size), .float("alpha", try c.optionFloat(2) * Float(size)),
            .float("beta", try c.optionFloat(3)), .float("bias", try c.optionFloat(1)),
          ])
        return try b.channelsLast(made)
      },
    ]
}
