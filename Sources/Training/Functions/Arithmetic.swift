import Operators
import Tensors

// Swift's operators on tensors. Shapes broadcast as NumPy's do, both sides have one dtype, and
// numbers take the tensor's. Operators cannot learn the line they stand on: their errors carry that
// of the function around them that takes gradients, or of the training step.

extension Tensor {
  /// The sum, element by element.
  public static func + (a: Tensor, b: Tensor) throws(EngineError) -> Tensor {
    try operate(Add(), a, b)
  }
  /// The difference, element by element.
  public static func - (a: Tensor, b: Tensor) throws(EngineError) -> Tensor {
    try operate(Sub(), a, b)
  }
  /// The product, element by element.
  public static func * (a: Tensor, b: Tensor) throws(EngineError) -> Tensor {
    try operate(Mul(), a, b)
  }
  /// The quotient, element by element; integers are truncated.
  public static func / (a: Tensor, b: Tensor) throws(EngineError) -> Tensor {
    try operate(Div(), a, b)
  }
  /// The negative of each element.
  public static prefix func - (a: Tensor) throws(EngineError) -> Tensor {
    do throws(EngineError) {
      return try Neg().build(Taped(context: .current), Few(a), outputs: 1)[0]
    } catch { throw unlocated(error, "Neg", [a]) }
  }

  public static func + (a: Tensor, b: Double) throws(EngineError) -> Tensor {
    try operate(Add(), a, constant(b, a.dtype))
  }
  public static func + (a: Double, b: Tensor) throws(EngineError) -> Tensor {
    try operate(Add(), constant(a, b.dtype), b)
  }
  public static func - (a: Tensor, b: Double) throws(EngineError) -> Tensor {
    try operate(Sub(), a, constant(b, a.dtype))
  }
  public static func - (a: Double, b: Tensor) throws(EngineError) -> Tensor {
    try operate(Sub(), constant(a, b.dtype), b)
  }
  public static func * (a: Tensor, b: Double) throws(EngineError) -> Tensor {
    try operate(Mul(), a, constant(b, a.dtype))
  }
  public static func * (a: Double, b: Tensor) throws(EngineError) -> Tensor {
    try operate(Mul(), constant(a, b.dtype), b)
  }
  public static func / (a: Tensor, b: Double) throws(EngineError) -> Tensor {
    try operate(Div(), a, constant(b, a.dtype))
  }
  public static func / (a: Double, b: Tensor) throws(EngineError) -> Tensor {
    try operate(Div(), constant(a, b.dtype), b)
  }

  /// `a = a + b`; other holders of the old `a` keep it.
  public static func += (a: inout Tensor, b: Tensor) throws(EngineError) { a = try a + b }
  public static func -= (a: inout Tensor, b: Tensor) throws(EngineError) { a = try a - b }
  public static func *= (a: inout Tensor, b: Tensor) throws(EngineError) { a = try a * b }
  public static func /= (a: inout Tensor, b: Tensor) throws(EngineError) { a = try a / b }

  @inline(__always)
  private static func operate<Op: BinaryElementwise>(
    _ op: Op, _ a: Tensor, _ b: Tensor
  ) throws(EngineError) -> Tensor {
    do throws(EngineError) {
      return try op.build(Taped(context: .current), Few(a, b), outputs: 1)[0]
    } catch { throw unlocated(error, Op.schema.name, [a, b]) }
  }

  private static func unlocated(
    _ error: EngineError, _ name: String, _ inputs: [Tensor]
  ) -> EngineError {
    let types = inputs.map { "\($0.type)" }.joined(separator: ", ")
    let path = TapeContext.current.layerPath
    return EngineError(
      error.code, "\(error.message) (inputs: \(types))", expected: error.expected,
      received: error.received, hint: error.hint, subject: error.subject, cause: error.cause
    ).at(node: path.isEmpty ? nil : path, operatorName: name)
  }
}
