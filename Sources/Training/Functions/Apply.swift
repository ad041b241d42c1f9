import Graphs
import Operators
import Tensors

// How functions on tensors reach their operators: prepared once for a set of types, recorded where
// gradients are taken, with errors that say where and on what.

/// The first output of `op` on one input.
@inline(__always)
func apply<Op: Operator>(
  _ op: Op, _ a: Tensor, _ file: StaticString, _ line: UInt
) throws(EngineError) -> Tensor {
  do throws(EngineError) {
    return try op.build(Taped(context: .current), Few(a), outputs: 1)[0]
  } catch { throw located(error, Op.schema.name, [a], file, line) }
}

/// The first output of `op` on two inputs.
@inline(__always)
func apply<Op: Operator>(
  _ op: Op, _ a: Tensor, _ b: Tensor, _ file: StaticString, _ line: UInt
) throws(EngineError) -> Tensor {
  do throws(EngineError) {
    return try op.build(Taped(context: .current), Few(a, b), outputs: 1)[0]
  } catch { throw located(error, Op.schema.name, [a, b], file, line) }
}

/// The first output of `op` on three inputs.
func apply<Op: Operator>(
  _ op: Op, _ a: Tensor, _ b: Tensor, _ c: Tensor, _ file: StaticString, _ line: UInt
) throws(EngineError) -> Tensor {
  do throws(EngineError) {
    return try op.build(Taped(context: .current), Few(a, b, c), outputs: 1)[0]
  } catch { throw located(error, Op.schema.name, [a, b, c], file, line) }
}

/// All outputs of `op` on any inputs.
func apply<Op: Operator>(
  _ op: Op, _ inputs: [Tensor?], outputs: Int, _ file: StaticString, _ line: UInt
) throws(EngineError) -> [Tensor] {
  do throws(EngineError) {
    return try op.build(Taped(context: .current), Few(inputs), outputs: outputs).array
  } catch { throw located(error, Op.schema.name, inputs, file, line) }
}

/// An operator's error with the layer, the types of all inputs, and the user's line.
func located(
  _ error: EngineError, _ name: String, _ inputs: [Tensor?], _ file: StaticString, _ line: UInt
) -> EngineError {
  let types = inputs.map { $0.map { "\($0.type)" } ?? "none" }.joined(separator: ", ")
  let told = EngineError(
    error.code, "\(error.message) (inputs: \(types))", expected: error.expected,
    received: error.received, hint: error.hint, subject: error.subject, cause: error.cause)
  return located(told.at(operatorName: name), file, line)
}

/// An error with the layer it happened in and the user's line.
func located(_ error: EngineError, _ file: StaticString, _ line: UInt) -> EngineError {
  let path = TapeContext.current.layerPath
  return error.at(node: path.isEmpty ? nil : path).atCaller(file, line)
}

/// Runs `body`; errors of the engine get the user's line where they lack one.
func located<R>(
  _ file: StaticString, _ line: UInt, _ body: () throws -> R
) throws -> R {
  do { return try body() } catch let error as EngineError { throw located(error, file, line) }
}

/// A number of an element type, without axes.
///
/// Errors: `.dtype` for element types that are no numbers.
func constant(_ value: Double, _ dtype: DType) throws(EngineError) -> Tensor {
  switch dtype {
  case .float32: return try Tensor(scalar: Float(value))
  case .float64: return try Tensor(scalar: value)
  case .float16: return try Tensor(scalar: Float16(value))
  case .bfloat16: return try Tensor(scalar: BFloat16(Float(value)))
  case .bool: return try Tensor(scalar: value != 0)
  default:
    guard value == value.rounded(), abs(value) <= 0x1p53, dtype.isInteger else {
      throw EngineError(
        .dtype, "\(value) is no element of a tensor of \(dtype)",
        expected: "a floating-point dtype",
        hint: "cast the tensor first")
    }
    let whole = try Tensor(scalar: Int64(value))
    return dtype == .int64 ? whole : try Eager().apply(Cast(to: dtype), whole)
  }
}

/// Integers as an input of an operator.
func ints(_ values: [Int]) throws(EngineError) -> Tensor {
  try Tensor(values.map { Int64($0) })
}
