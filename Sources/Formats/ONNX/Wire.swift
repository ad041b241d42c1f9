import Tensors

/// A serialised message under construction: short bytes, and tensors that stay where they are.
///
/// Messages nest by appending one to another under its length, so weights are never copied.
struct Wire {
  enum Piece {
    case bytes([UInt8])
    case tensor(Tensor)
  }
  private(set) var pieces: [Piece] = []
  private(set) var count = 0
  private var open: [UInt8] = []

  static func appendVarint(_ value: UInt64, to out: inout [UInt8]) {
    var v = value
    while v >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: v) | 0x80)
      v >>= 7
    }
    out.append(UInt8(truncatingIfNeeded: v))
  }

  private mutating func varint(_ value: UInt64) {
    let before = open.count
    Wire.appendVarint(value, to: &open)
    count += open.count - before
  }
  private mutating func tag(_ field: Int, _ wire: UInt64) { varint(UInt64(field) << 3 | wire) }

  /// Bytes that are whole fields already.
  mutating func raw(_ bytes: [UInt8]) {
    open += bytes
    count += bytes.count
  }
  mutating func int(_ field: Int, _ value: Int64) {
    tag(field, 0)
    varint(UInt64(bitPattern: value))
  }
  mutating func float(_ field: Int, _ value: Float) {
    tag(field, 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { open.append(contentsOf: $0) }
    count += 4
  }
  mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
    tag(field, 2)
    varint(UInt64(value.count))
    open.append(contentsOf: value)
    count += value.count
  }
  /// A string that may be empty, as in lists.
  mutating func string(_ field: Int, _ value: String) { bytes(field, value.utf8) }
  /// A string that is left out when empty.
  mutating func text(_ field: Int, _ value: String) {
    if !value.isEmpty { string(field, value) }
  }
  mutating func tensor(_ field: Int, _ value: Tensor) {
    tag(field, 2)
    varint(UInt64(value.byteCount))
    append(tensor: value)
  }
  mutating func message(_ field: Int, _ body: Wire) {
    tag(field, 2)
    varint(UInt64(body.count))
    append(body)
  }

  /// Short tensors are copied: a piece of its own would cost more.
  private mutating func append(tensor: Tensor) {
    count += tensor.byteCount
    if tensor.byteCount < 1024 {
      open.append(contentsOf: tensor.rawBytes)
    } else {
      close()
      pieces.append(.tensor(tensor))
    }
  }

  private mutating func append(_ other: Wire) {
    count += other.count
    for piece in other.pieces {
      switch piece {
      case .bytes(let bytes): open += bytes
      case .tensor:
        close()
        pieces.append(piece)
      }
    }
    open += other.open
  }

  private mutating func close() {
    if !open.isEmpty { pieces.append(.bytes(open)) }
    open = []
  }

  /// Hands all bytes out in order.
  func forEach(
    _ body: (UnsafeRawBufferPointer) throws(EngineError) -> Void
  ) throws(EngineError) {
    for piece in pieces + [.bytes(open)] {
      switch piece {
      case .bytes(let bytes):
        let failure: EngineError? = bytes.withUnsafeBytes { buffer in
          do throws(EngineError) { try body(buffer) } catch { return error }
          return nil
        }
        if let failure { throw failure }
      case .tensor(let tensor):
        try tensor.withUnsafeBytes(body)
      }
    }
  }

  /// All bytes in one array.
  func joined() -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(count)
    for piece in pieces + [.bytes(open)] {
      switch piece {
      case .bytes(let bytes): out += bytes
      case .tensor(let tensor): out.append(contentsOf: tensor.rawBytes)
      }
    }
    return out
  }
}
