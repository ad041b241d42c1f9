import Tensors

/// `y = saturate(round(x / scale) + zero)` over rows of elements.
public struct QuantizeKernel: Sendable {
  /// What the quotient is computed and rounded in.
  public enum Precision: Sendable { case half, brain, single, double }

  private let x: NumberReader
  private let scale: NumberReader
  private let zero: NumberReader
  private let target: QuantTarget
  private let precision: Precision
  private let rows: QuantRows

  /// Nil where a type is not of the kind.
  public init?(
    from: DType, scale: DType, to: DType, precision: Precision, saturates: Bool, rows: QuantRows
  ) {
    guard let x = NumberReader(from), let s = NumberReader(scale), let z = NumberReader(to),
      let target = QuantTarget(to, saturates: saturates)
    else { return nil }
    self.x = x
    self.scale = s
    zero = z
    self.target = target
    self.precision = precision
    self.rows = rows
  }

  /// Bytes of scratch that `run` needs.
  public var scratchBytes: Int { rows.scaleCount * 8 }

  public func run(
    _ x: UnsafeRawPointer, scale: UnsafeRawPointer, zero: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if precision == .single && self.x.dtype == .float32 {
      let s = scratch.assumingMemoryBound(to: Float.self)
      let z = (scratch + rows.scaleCount * 4).assumingMemoryBound(to: Float.self)
      for i in 0..<rows.scaleCount {
        s[i] = Float(self.scale.double(scale, i))
        z[i] = zero.map { Float(self.zero.double($0, i)) } ?? 0
      }
      let x = x.assumingMemoryBound(to: Float.self)
      switch target.dtype {
      case .int8: return quick(x, s, z, y.assumingMemoryBound(to: Int8.self), pool)
      case .uint8: return quick(x, s, z, y.assumingMemoryBound(to: UInt8.self), pool)
      case .int16: return quick(x, s, z, y.assumingMemoryBound(to: Int16.self), pool)
      case .uint16: return quick(x, s, z, y.assumingMemoryBound(to: UInt16.self), pool)
      default: break
      }
    }
    if target.isPacked {
      y.initializeMemory(
        as: UInt8.self, repeating: 0, count: target.dtype.byteCount(of: rows.count))
      for r in 0..<rows.rows { general(x, scale, zero, y, row: r) }
    } else {
      let each = rows.rowsPerPiece
      pool.run((rows.rows + each - 1) / each) { piece in
        for r in piece * each..<min(rows.rows, (piece + 1) * each) {
          general(x, scale, zero, y, row: r)
        }
      }
    }
  }

  private func quick<T: FixedWidthInteger>(
    _ x: UnsafePointer<Float>, _ scale: UnsafePointer<Float>, _ zero: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<T>, _ pool: ThreadPool
  ) {
    let (least, greatest) = (Float(target.range.low), Float(target.range.high))
    let each = rows.rowsPerPiece
    pool.run((rows.rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows.rows, (piece + 1) * each) {
        let (start, n, first, step) = rows.row(r)
        let (x, y) = (x + start, y + start)
        if step == 0 {
          let (s, z) = (scale[first], zero[first])
          if T.bitWidth == 8 {
            FloatCodes.quantize(
              n, x, ByteScale(scale: s, zero: nearestInteger(z)), isSigned: T.isSigned,
              UnsafeMutableRawPointer(y).assumingMemoryBound(to: UInt8.self))
            continue
          }
          let (low, high) = (least - z, greatest - z)
          let whole = nearestInteger(z)
          for i in 0..<n {
            let q = x[i] / s
            let v = q > low ? (q < high ? q : high) : low
            y[i] = T(truncatingIfNeeded: nearestInteger(v) &+ whole)
          }
        } else {
          for i in 0..<n {
            let (q, z) = (x[i] / scale[first + i], zero[first + i])
            let (low, high) = (least - z, greatest - z)
            let v = q > low ? (q < high ? q : high) : low
            y[i] = T(truncatingIfNeeded: nearestInteger(v) &+ nearestInteger(z))
          }
        }
      }
    }
  }

  private func general(
    _ x: UnsafeRawPointer, _ scale: UnsafeRawPointer, _ zero: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer, row: Int
  ) {
    let (start, n, first, step) = rows.row(row)
    for i in 0..<n {
      let at = first + i * step
      let q = quotient(self.x.double(x, start + i), self.scale.double(scale, at))
      target.write(q, zero: zero.map { self.zero.double($0, at) } ?? -0.0, y, start + i)
    }
  }

  private func quotient(_ x: Double, _ s: Double) -> Double {
    switch precision {
    case .double: x / s
    case .single: Double(Float(x) / Float(s))
    // The quotient of two halves in float32, rounded again, is their quotient rounded once.
    case .half: Double(Float16(Float(Float16(x)) / Float(Float16(s))))
    case .brain:
      Double(BFloat16(BFloat16(Float(x)).float / BFloat16(Float(s)).float).float)
    }
  }
}
