import Graphs
import Operators
import Tensors

extension Tensor {
  /// Zeros.
  ///
  /// Errors: `.shape` for a negative size, `.budget` without memory, `.dtype` for no numbers.
  public static func zeros(
    _ sizes: [Int], dtype: DType = .float32
  ) throws(EngineError) -> Tensor { try full(sizes, 0, dtype: dtype) }

  /// Ones.
  public static func ones(
    _ sizes: [Int], dtype: DType = .float32
  ) throws(EngineError) -> Tensor { try full(sizes, 1, dtype: dtype) }

  /// `value` everywhere.
  public static func full(
    _ sizes: [Int], _ value: Double, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let shape = try Shape(checking: sizes)
    let one = try constant(value, dtype).rawBytes
    return try Tensor(TensorType(dtype, shape)) { (bytes) throws(EngineError) in
      // All dtypes that `constant` makes have whole bytes.
      let size = dtype.byteSize
      for i in 0..<shape.count * size { bytes[i] = one[i % size] }
    }
  }

  /// Ones on the diagonal of `[n, m]`, zeros elsewhere.
  public static func identity(
    _ n: Int, _ m: Int? = nil, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    try Eager().apply(EyeLike(dtype: dtype), zeros([n, m ?? n]))
  }

  /// `start`, `start + step` and so on, below `end`.
  public static func range(
    _ start: Double, _ end: Double, by step: Double = 1, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    try Eager().apply(
      RangeOp(), constant(start, dtype), constant(end, dtype), constant(step, dtype))
  }

  /// `count` numbers from `start` to `end` at equal distances, both included.
  public static func linear(
    from start: Double, to end: Double, count: Int, dtype: DType = .float32
  ) throws(EngineError) -> Tensor {
    let step = count > 1 ? (end - start) / Double(count - 1) : 0
    let numbers = try Tensor((0..<Swift.max(count, 0)).map { start + Double($0) * step })
    return try Eager().apply(Cast(to: dtype), numbers)
  }

  /// Zeros of this tensor's type.
  public func zerosLike() throws(EngineError) -> Tensor {
    try Tensor.full(shape.array, 0, dtype: dtype)
  }
  /// Ones of this tensor's type.
  public func onesLike() throws(EngineError) -> Tensor {
    try Tensor.full(shape.array, 1, dtype: dtype)
  }
}

func zeros(like t: Tensor) throws(EngineError) -> Tensor { try t.zerosLike() }
func ones(like t: Tensor) throws(EngineError) -> Tensor { try t.onesLike() }
func filled(like t: Tensor, _ value: Double) throws(EngineError) -> Tensor {
  try Tensor.full(t.shape.array, value, dtype: t.dtype)
}

extension Tensor {
  /// The only element, as a Double.
  ///
  /// Errors: `.shape` for several elements; `.dtype` for no numbers; `.usage` while a function is
  /// captured into a graph, since a graph cannot depend on one value of it.
  public func scalar(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Double {
    try checkReadable(file, line)
    guard count == 1, let value = asDouble(0) else {
      throw located(
        EngineError(
          count == 1 ? .dtype : .shape, "the tensor is no single number", expected: "one number",
          received: "\(type)"), file, line)
    }
    return value
  }

  /// All elements as Doubles, in row-major order.
  ///
  /// Errors: as `scalar`.
  public func numbers(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> [Double] {
    try checkReadable(file, line)
    var list: [Double] = []
    list.reserveCapacity(count)
    for i in 0..<count {
      guard let value = asDouble(i) else {
        throw located(
          EngineError(.dtype, "the elements are no numbers", received: "\(type)"), file, line)
      }
      list.append(value)
    }
    return list
  }

  /// The only element of a bool or number, as a condition: what `if` and `while` branch on.
  public func isTrue(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Bool { try scalar(file: file, line: line) != 0 }

  private func checkReadable(_ file: StaticString, _ line: UInt) throws(EngineError) {
    guard let capture = TapeContext.current.capture, capture.isCaptured(self) else { return }
    throw located(
      EngineError(
        .usage, "a value is read while the function is captured into a graph",
        expected: "a function whose steps do not depend on values",
        hint: "choose with `choose`, or train this function without compiling it"), file, line)
  }
}
