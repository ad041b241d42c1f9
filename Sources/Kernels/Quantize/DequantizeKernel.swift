import Tensors

/// `y = (x - zero) * scale` over rows of elements, in float32, rounded once to `y`'s type.
public struct DequantizeKernel: Sendable {
  private let x: NumberReader
  private let scale: NumberReader
  private let to: DType
  private let rows: QuantRows

  /// Nil where a type is not of the kind.
  public init?(from: DType, scale: DType, to: DType, rows: QuantRows) {
    guard let x = NumberReader(from), let s = NumberReader(scale),
      to == .float32 || to == .float16 || to == .bfloat16
    else { return nil }
    self.x = x
    self.scale = s
    self.to = to
    self.rows = rows
  }

  /// Bytes of scratch that `run` needs.
  public var scratchBytes: Int { rows.scaleCount * 8 }

  public func run(
    _ x: UnsafeRawPointer, scale: UnsafeRawPointer, zero: UnsafeRawPointer?,
    _ y: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if to == .float32 {
      let s = scratch.assumingMemoryBound(to: Float.self)
      let z = (scratch + rows.scaleCount * 4).assumingMemoryBound(to: Int32.self)
      let y = y.assumingMemoryBound(to: Float.self)
      for i in 0..<rows.scaleCount {
        s[i] = Float(self.scale.double(scale, i))
        z[i] = self.x.dtype.isInteger ? zero.map { Int32(self.x.double($0, i)) } ?? 0 : 0
      }
      switch self.x.dtype {
      case .int8: return quick(x.assumingMemoryBound(to: Int8.self), s, z, y, pool)
      case .uint8: return quick(x.assumingMemoryBound(to: UInt8.self), s, z, y, pool)
      case .int16: return quick(x.assumingMemoryBound(to: Int16.self), s, z, y, pool)
      case .uint16: return quick(x.assumingMemoryBound(to: UInt16.self), s, z, y, pool)
      case .int32: return wide(x.assumingMemoryBound(to: Int32.self), s, z, y, pool)
      default: break
      }
    }
    let each = rows.rowsPerPiece
    pool.run((rows.rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows.rows, (piece + 1) * each) {
        general(x, scale, zero, y, row: r)
      }
    }
  }

  private func quick<T: FixedWidthInteger>(
    _ x: UnsafePointer<T>, _ scale: UnsafePointer<Float>, _ zero: UnsafePointer<Int32>,
    _ y: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let each = rows.rowsPerPiece
    pool.run((rows.rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows.rows, (piece + 1) * each) {
        let (start, n, first, step) = rows.row(r)
        let (x, y) = (x + start, y + start)
        if step == 0 {
          let (s, z) = (scale[first], zero[first])
          if T.bitWidth == 8 {
            FloatCodes.dequantize(
              n, UnsafeRawPointer(x).assumingMemoryBound(to: UInt8.self),
              ByteScale(scale: s, zero: z), isSigned: T.isSigned, y)
            continue
          }
          for i in 0..<n { y[i] = Float(Int32(truncatingIfNeeded: x[i]) &- z) * s }
        } else {
          for i in 0..<n {
            y[i] = Float(Int32(truncatingIfNeeded: x[i]) &- zero[first + i]) * scale[first + i]
          }
        }
      }
    }
  }

  /// Differences of 32 bits are exact in float64.
  private func wide(
    _ x: UnsafePointer<Int32>, _ scale: UnsafePointer<Float>, _ zero: UnsafePointer<Int32>,
    _ y: UnsafeMutablePointer<Float>, _ pool: ThreadPool
  ) {
    let each = rows.rowsPerPiece
    pool.run((rows.rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows.rows, (piece + 1) * each) {
        let (start, n, first, step) = rows.row(r)
        let (x, y) = (x + start, y + start)
        if step == 0, zero[first] == 0 {
          let s = scale[first]
          for i in 0..<n { y[i] = Float(x[i]) * s }
        } else {
          for i in 0..<n {
            let at = first + i * step
            y[i] = Float(Double(x[i]) - Double(zero[at])) * scale[at]
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
      var d = self.x.double(x, start + i)
      // Subtracting nothing keeps the sign of -0.
      if let zero {
        let z = self.x.double(zero, at)
        if z != 0 { d -= z }
      }
      let v = Float(d) * Float(self.scale.double(scale, at))
      switch to {
      case .float32: y.storeBytes(of: v, toByteOffset: (start + i) &* 4, as: Float.self)
      case .float16:
        y.storeBytes(of: Float16(v), toByteOffset: (start + i) &* 2, as: Float16.self)
      default:
        y.storeBytes(
          of: BFloat16(v).bitPattern, toByteOffset: (start + i) &* 2, as: UInt16.self)
      }
    }
  }
}
