import Tensors

/// Weights of 2, 4 or 8 bits in blocks, each with a scale and a zero point, as real numbers:
/// `(code - zero) * scale`.
///
/// Codes lie packed, low bits first: `[rows, blocks, blockBytes]`. Zero points are packed in the
/// same way, each row starting at a byte, or real numbers `[rows, blocks]`.
public struct BlockWeights: Sendable {
  public enum Zeros: Sendable, Equatable { case none, packed, real }
  public let bits: Int
  public let rows: Int
  /// Elements of a row; the last block may have room for more.
  public let length: Int
  public let block: Int
  public let zeros: Zeros
  private let scale: NumberReader
  private let zero: NumberReader?

  /// Nil where the types are not of the kind.
  public init?(
    bits: Int, rows: Int, length: Int, block: Int, scale: DType, zeros: Zeros, zeroType: DType
  ) {
    guard [2, 4, 8].contains(bits), let reader = NumberReader(scale) else { return nil }
    self.bits = bits
    self.rows = rows
    self.length = length
    self.block = block
    self.zeros = zeros
    self.scale = reader
    zero = zeros == .real ? NumberReader(zeroType) : nil
    if zeros == .real, zero == nil { return nil }
  }

  public var blocks: Int { (length + block - 1) / block }
  /// Bytes of the packed codes of one row.
  public var rowBytes: Int { blocks * ((block * bits + 7) / 8) }
  /// Bytes of the packed zero points of one row.
  public var zeroBytes: Int { (blocks * bits + 7) / 8 }

  /// Row `r` in float32. `groups`, where given, says for each element which block's scale and zero
  /// point are its own.
  public func row(
    _ r: Int, codes: UnsafeRawPointer, scales: UnsafeRawPointer, zeroPoints: UnsafeRawPointer?,
    groups: UnsafePointer<Int32>? = nil, into y: UnsafeMutablePointer<Float>
  ) {
    let blockBytes = (block * bits + 7) / 8
    let base = codes + r * rowBytes
    for b in 0..<blocks {
      let first = b * block
      let n = min(block, length - first)
      let from = base + b * blockBytes
      if let groups {
        for i in 0..<n {
          let g = min(max(0, Int(groups[first + i])), blocks - 1)
          y[first + i] =
            (Float(code(from, i)) - zeroPoint(zeroPoints, r, g)) * scaleOf(scales, r, g)
        }
      } else {
        let (s, z) = (scaleOf(scales, r, b), zeroPoint(zeroPoints, r, b))
        for i in 0..<n { y[first + i] = (Float(code(from, i)) - z) * s }
      }
    }
  }

  /// The code of element `i` of row `r`.
  @inline(__always) public func code(_ codes: UnsafeRawPointer, row r: Int, _ i: Int) -> UInt8 {
    code(codes + r * rowBytes + i / block * ((block * bits + 7) / 8), i % block)
  }
  /// The scale of block `b` of row `r` in float32.
  public func scale(_ scales: UnsafeRawPointer, row r: Int, block b: Int) -> Float {
    scaleOf(scales, r, b)
  }
  /// The packed zero point of block `b` of row `r`.
  public func zeroCode(_ zeros: UnsafeRawPointer, row r: Int, block b: Int) -> UInt8 {
    code(zeros + r * zeroBytes, b)
  }

  @inline(__always) private func code(_ p: UnsafeRawPointer, _ i: Int) -> UInt8 {
    let bit = i &* bits
    let byte = p.load(fromByteOffset: bit >> 3, as: UInt8.self)
    return byte >> UInt8(bit & 7) & (UInt8(truncatingIfNeeded: 1 << bits &- 1))
  }
  private func scaleOf(_ scales: UnsafeRawPointer, _ r: Int, _ b: Int) -> Float {
    Float(scale.double(scales, r * blocks + b))
  }
  private func zeroPoint(_ p: UnsafeRawPointer?, _ r: Int, _ b: Int) -> Float {
    guard let p, zeros != .none else { return Float(1 << (bits - 1)) }
    if let zero { return Float(zero.double(p, r * blocks + b)) }
    return Float(code(p + r * zeroBytes, b))
  }
}
