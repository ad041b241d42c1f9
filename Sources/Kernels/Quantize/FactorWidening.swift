import Tensors

/// Rows of quantised elements less their zero points: as int32, or as float32 for narrow floats.
public struct FactorWidening: Sendable {
  private let from: NumberReader
  private let toFloat: Bool
  private let rows: Int
  private let length: Int
  private let places: Table
  private let step: Int

  /// - `places`: for each row, the place of its first zero point.
  /// - `step`: distance of the zero points of neighbouring elements, 0 or 1.
  ///
  /// Nil where `from` is no numeric type.
  public init?(from: DType, toFloat: Bool, length: Int, places: Table, step: Int) {
    guard let reader = NumberReader(from) else { return nil }
    self.from = reader
    self.toFloat = toFloat
    rows = places.count
    self.length = length
    self.places = places
    self.step = step
  }

  /// Bytes of what `run` writes.
  public var byteCount: Int { rows * length * 4 }

  public func run(
    _ x: UnsafeRawPointer, zero: UnsafeRawPointer?, _ y: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    if toFloat {
      let y = y.assumingMemoryBound(to: Float.self)
      for r in 0..<rows {
        for i in 0..<length {
          let z = zero.map { from.double($0, places[r] + i * step) } ?? 0
          y[r * length + i] = Float(from.double(x, r * length + i) - z)
        }
      }
    } else {
      let y = y.assumingMemoryBound(to: Int32.self)
      switch from.dtype {
      case .uint8: integers(UInt8.self, x, zero, y, pool)
      case .int8: integers(Int8.self, x, zero, y, pool)
      default: preconditionFailure("\(from.dtype) widened to int32")
      }
    }
  }

  private func integers<T: FixedWidthInteger>(
    _: T.Type, _ x: UnsafeRawPointer, _ zero: UnsafeRawPointer?, _ y: UnsafeMutablePointer<Int32>,
    _ pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let zero = zero?.assumingMemoryBound(to: T.self)
    let each = max(1, 16384 / max(length, 1))
    pool.run((rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows, (piece + 1) * each) {
        let (source, target) = (x + r * length, y + r * length)
        if let zero, step == 1 {
          let z = zero + places[r]
          for i in 0..<length {
            target[i] = Int32(truncatingIfNeeded: source[i]) &- Int32(truncatingIfNeeded: z[i])
          }
        } else {
          let z = zero.map { Int32(truncatingIfNeeded: $0[places[r]]) } ?? 0
          for i in 0..<length { target[i] = Int32(truncatingIfNeeded: source[i]) &- z }
        }
      }
    }
  }
}
