import Graphs
import Tensors

/// Random numbers: of the same distribution, not the same numbers.
enum TFRandoms {
  private static let note = "other numbers of the same distribution"

  static let operators: [TFOperator] =
    ["RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"].map { name in
      TFOperator(name, note) { (c) throws(EngineError) in
        try drawn(c, "RandomUniformLike", [.float("low", 0), .float("high", 1)])
      }
    }
    + ["RandomStandardNormal", "StatelessRandomNormal", "StatelessRandomNormalV2"].map { name in
      TFOperator(name, note) { (c) throws(EngineError) in
        try drawn(c, "RandomNormalLike", [])
      }
    }
    + [
      TFOperator("RandomUniformInt", note) { (c) throws(EngineError) in
        let b = c.b
        let u = try drawn(c, "RandomUniformLike", [.float("low", 0), .float("high", 1)])
        let low = try b.cast(try c.tensor(1), .float32)
        let span = try b.sub(try b.cast(try c.tensor(2), .float32), low)
        let number = try b.onnx("Floor", [try b.add(low, try b.mul(u, span))])
        return try b.cast(number, b.dtype(try c.tensor(1)) ?? .int32)
      },
      TFOperator("Multinomial", note) { (c) throws(EngineError) in
        try c.b.onnx(
          "Multinomial", [try c.tensor(0)],
          [
            .int("sample_size", try c.int(1)),
            .dtype("dtype", try c.a.dtype("output_dtype") ?? .int64),
          ])
      },
    ]

  private static func drawn(
    _ c: TFCall, _ type: String, _ attributes: [Attribute]
  ) throws(EngineError) -> ValueID {
    let b = c.b
    c.note("'\(c.node.name)' draws \(note)")
    let dtype = try c.a.dtype("dtype") ?? .float32
    let like = try TFConstants.expanded(
      try b.number(0, dtype.isFloat ? dtype : .float32), try c.tensor(0), c)
    return try b.onnx(type, [like], attributes)
  }
}
