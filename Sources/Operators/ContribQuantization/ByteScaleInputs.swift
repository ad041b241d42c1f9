import Graphs
import Kernels
import Tensors

/// Where a quantised tensor's scale and zero point stand among an operator's inputs: one float32
/// element, and one element of the tensor's type or nothing.
struct ByteScaleInputs: Sendable {
  private let scale: Int
  private let zero: Int?
  private let isSigned: Bool

  /// Errors: `.shape` where there is more than one element, `.dtype` for other types.
  init(
    _ p: Preparation, _ name: String, dtype: DType, scale: Int, zero: Int
  ) throws(EngineError) {
    self.scale = scale
    self.zero = p.has(zero) ? zero : nil
    isSigned = dtype == .int8
    guard dtype == .int8 || dtype == .uint8, try p.input(scale).dtype == .float32 else {
      throw p.noKernel()
    }
    guard try p.input(scale).count == 1 else { throw Self.many(name, try p.input(scale).shape) }
    guard p.has(zero) else { return }
    let type = try p.input(zero)
    guard type.count == 1 else { throw Self.many(name, type.shape) }
    guard type.dtype == dtype else {
      throw EngineError(
        .dtype, "the zero point of \(name) has another type", expected: "\(dtype)",
        received: "\(type.dtype)")
    }
  }

  private static func many(_ name: String, _ shape: Shape) -> EngineError {
    EngineError(
      .shape, "\(name) has more than one scale or zero point", expected: "one element",
      received: "\(shape)")
  }

  func read(_ m: Memory) -> ByteScale {
    ByteScale(
      m.inputs[scale], zero: zero.map { UnsafeRawPointer(m.inputs[$0]) }, isSigned: isSigned)
  }
}
