import Tensors

/// Folds blocks of updates into an array at places given by a table.
public enum ScatterReduce {
  public enum Operation: String, Sendable, Hashable { case add, mul, max, min }

  /// Whether there is a kernel for elements of `dtype`; complex numbers have no order.
  public static func supports(_ dtype: DType, _ operation: Operation? = nil) -> Bool {
    switch dtype {
    case .complex64, .complex128: operation == .add || operation == .mul
    case .float32, .float64, .float16, .bfloat16, .int8, .int16, .int32, .int64, .uint8, .uint16,
      .uint32, .uint64, .bool:
      true
    default: false
    }
  }

  /// For each `i` below `count`, in rising order, element by element: the block at `target +
  /// offsets[i]` (bytes) becomes its fold with block `i` of `updates`. Integers wrap around; NaN
  /// wins maximum and minimum; on bool, `add` and `max` are or, `mul` and `min` are and. The caller
  /// has checked the offsets and that `dtype` is supported.
  public static func run(
    _ operation: Operation, _ dtype: DType, on target: UnsafeMutableRawPointer,
    offsets: UnsafePointer<Int64>, updates: UnsafeRawPointer, count: Int, blockElements: Int
  ) {
    let work = Work(
      operation: operation, target: target, offsets: offsets, updates: updates, count: count,
      block: blockElements)
    switch dtype {
    case .float32: work.floats(Float.self)
    case .float64: work.floats(Double.self)
    case .float16: work.halves(Float16.self, { Float($0) }, { Float16($0) })
    case .bfloat16: work.halves(BFloat16.self, { $0.float }, { BFloat16($0) })
    case .int8: work.integers(Int8.self)
    case .int16: work.integers(Int16.self)
    case .int32: work.integers(Int32.self)
    case .int64: work.integers(Int64.self)
    case .uint8: work.integers(UInt8.self)
    case .uint16: work.integers(UInt16.self)
    case .uint32: work.integers(UInt32.self)
    case .uint64: work.integers(UInt64.self)
    case .complex64: work.complex(Float.self)
    case .complex128: work.complex(Double.self)
    case .bool:
      switch operation {
      case .add, .max: work.fold(UInt8.self) { $0 | $1 }
      case .mul, .min: work.fold(UInt8.self) { $0 & $1 }
      }
    default: preconditionFailure("no scatter of \(dtype)")
    }
  }

  private struct Work {
    let operation: Operation
    let target: UnsafeMutableRawPointer
    let offsets: UnsafePointer<Int64>
    let updates: UnsafeRawPointer
    let count: Int
    let block: Int

    @inline(__always) func fold<T: BitwiseCopyable>(_: T.Type, _ f: (T, T) -> T) {
      let u = updates.assumingMemoryBound(to: T.self)
      for i in 0..<count {
        let y = (target + Int(offsets[i])).assumingMemoryBound(to: T.self)
        for j in 0..<block { y[j] = f(y[j], u[i &* block &+ j]) }
      }
    }

    func floats<T: BinaryFloatingPoint & BitwiseCopyable>(_: T.Type) {
      switch operation {
      case .add: fold(T.self) { $0 + $1 }
      case .mul: fold(T.self) { $0 * $1 }
      // Numbers are chosen without a branch; NaN is rare.
      case .max: fold(T.self) { a, b in picked(a, a > b ? a : b) }
      case .min: fold(T.self) { a, b in picked(a, a < b ? a : b) }
      }
    }

    @inline(__always) private func picked<T: BinaryFloatingPoint>(_ a: T, _ better: T) -> T {
      a != a ? a : better
    }

    func complex<T: BinaryFloatingPoint & BitwiseCopyable>(_: T.Type) {
      let u = updates.assumingMemoryBound(to: T.self)
      for i in 0..<count {
        let y = (target + Int(offsets[i])).assumingMemoryBound(to: T.self)
        for j in 0..<block {
          let (a, b) = (y + 2 * j, u + 2 * (i &* block &+ j))
          (a[0], a[1]) =
            operation == .add
            ? (a[0] + b[0], a[1] + b[1])
            : (a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0])
        }
      }
    }

    func halves<T: BitwiseCopyable>(_: T.Type, _ up: (T) -> Float, _ down: (Float) -> T) {
      switch operation {
      case .add: fold(T.self) { down(up($0) + up($1)) }
      case .mul: fold(T.self) { down(up($0) * up($1)) }
      case .max: fold(T.self) { up($0) > up($1) || up($0).isNaN ? $0 : $1 }
      case .min: fold(T.self) { up($0) < up($1) || up($0).isNaN ? $0 : $1 }
      }
    }

    func integers<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) {
      switch operation {
      case .add: fold(T.self) { $0 &+ $1 }
      case .mul: fold(T.self) { $0 &* $1 }
      case .max: fold(T.self) { Swift.max($0, $1) }
      case .min: fold(T.self) { Swift.min($0, $1) }
      }
    }
  }
}
