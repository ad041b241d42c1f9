import Graphs
import Runtime
import Tensors

/// Inputs for a model without data: the same ones on every run of the program.
struct SyntheticInputs {
  let shapes: [ShapeArgument]

  /// A tensor for each input that has no default. Open sizes are 1.
  ///
  /// Errors: `.usage` for shapes that name no input; `.unsupported` for inputs that are not
  /// numeric tensors.
  func make(for session: Session) throws(EngineError) -> [String: Tensor] {
    for shape in shapes {
      if let name = shape.name, !session.inputs.contains(where: { $0.name == name }) {
        throw EngineError(
          .usage, "--shape names no input: '\(name)'",
          expected: session.inputs.map { "'\($0.name)'" }.joined(separator: ", "))
      }
    }
    var inputs: [String: Tensor] = [:]
    for port in session.inputs where !port.isOptional {
      guard case .tensor(let dtype?, let dims) = port.type else {
        throw EngineError(
          .unsupported, "input '\(port.name)' is \(port.type.text)",
          hint: "give inputs with --inputs FILE")
      }
      let given = shapes.first { $0.name == port.name } ?? shapes.first { $0.name == nil }
      guard given != nil || dims != nil else {
        throw EngineError(
          .usage, "the rank of input '\(port.name)' is not known", hint: "give it with --shape")
      }
      let sizes = given?.sizes ?? (dims ?? []).map { $0.known ?? 1 }
      inputs[port.name] = try Self.tensor(dtype, try Shape(checking: sizes), seed: inputs.count)
    }
    return inputs
  }

  /// Uniform in [-1, 1) for floats, small counts for integers, alternating for bool.
  static func tensor(_ dtype: DType, _ shape: Shape, seed: Int) throws(EngineError) -> Tensor {
    var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678
    func next() -> UInt32 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt32(truncatingIfNeeded: state >> 33)
    }
    func unit() -> Float { Float(next() >> 7) / Float(1 << 23) - 1 }
    let n = shape.count
    switch dtype {
    case .float32: return try Tensor(shape: shape, (0..<n).map { _ in unit() })
    case .float64: return try Tensor(shape: shape, (0..<n).map { _ in Double(unit()) })
    case .float16: return try Tensor(shape: shape, (0..<n).map { _ in Float16(unit()) })
    case .bfloat16: return try Tensor(shape: shape, (0..<n).map { _ in BFloat16(unit()) })
    case .int64: return try Tensor(shape: shape, (0..<n).map { _ in Int64(next() % 8) })
    case .int32: return try Tensor(shape: shape, (0..<n).map { _ in Int32(next() % 8) })
    case .uint8: return try Tensor(shape: shape, (0..<n).map { _ in UInt8(next() % 256) })
    case .int8: return try Tensor(shape: shape, (0..<n).map { _ in Int8(Int(next() % 256) - 128) })
    case .bool: return try Tensor(shape: shape, (0..<n).map { _ in next() % 2 == 0 })
    default:
      throw EngineError(
        .unsupported, "no made-up inputs of \(dtype)", hint: "give inputs with --inputs FILE")
    }
  }
}
