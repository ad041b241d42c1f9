import Formats
import Tensors

/// A `TensorProto` of TensorFlow as a tensor.
///
/// Fields as in `tensor.proto`: 1 dtype, 2 shape, 4 bytes of all elements, 5 to 13, 16 and 17
/// elements by type. Fewer elements than the shape has repeat the last one; none are zeros.
enum TFTensor {
  /// The most bytes that repeated elements may unfold to.
  static let maxUnfolded = 1 << 31

  /// Errors: `.malformed` for sizes that do not fit; `.budget`; `.unsupported` for element types
  /// that have no tensors.
  static func tensor(_ message: ProtoMessage) throws(EngineError) -> Tensor {
    var code = 0
    var dims: [Int]? = []
    var content: Range<Int>?
    var floats: [UInt32] = []
    var doubles: [UInt64] = []
    var ints: [Int] = []
    var strings: [ProtoMessage] = []
    try message.forEach { (f) throws(EngineError) in
      switch f.number {
      case 1: code = f.int
      case 2: dims = try TFShape.dims(f.message)
      case 4: if f.wire == 2, !f.message.range.isEmpty { content = f.message.range }
      case 5: try ProtoMessage.fixed(f, UInt32.self, into: &floats)
      case 6: try ProtoMessage.fixed(f, UInt64.self, into: &doubles)
      case 7, 10, 11, 13, 16, 17: try ProtoMessage.ints(f, into: &ints)
      case 8: strings.append(f.message)
      default: break
      }
    }
    guard let dtype = TFElementType.dtype(code) else {
      throw EngineError(
        .unsupported, "a constant has an element type that has no tensors",
        received: "type \(code)")
    }
    guard let dims else { throw message.malformed("a constant has no shape") }
    let shape = try Shape(checking: dims)
    if dtype == .string { return try text(strings, shape, message) }
    let type = TensorType(dtype, shape)
    if let content {
      guard content.count == type.byteCount else {
        throw EngineError(
          .malformed, "a constant has the wrong number of bytes for \(type)",
          expected: "\(type.byteCount)", received: "\(content.count)",
          subject: .init(offset: content.lowerBound))
      }
      return try Tensor.reading(type, content, of: message.file)
    }
    guard type.byteCount <= maxUnfolded else {
      throw EngineError(
        .budget, "a constant of repeated elements is too large",
        expected: "at most \(maxUnfolded) bytes", received: "\(type.byteCount)")
    }
    switch dtype {
    case .float32: return try unfolded(type, floats, message)
    case .float64: return try unfolded(type, doubles, message)
    default: break
    }
    switch dtype.byteSize {
    case 1: return try unfolded(type, ints.map { UInt8(truncatingIfNeeded: $0) }, message)
    case 2: return try unfolded(type, ints.map { UInt16(truncatingIfNeeded: $0) }, message)
    case 4: return try unfolded(type, ints.map { UInt32(truncatingIfNeeded: $0) }, message)
    case 8 where dtype != .complex64:
      return try unfolded(type, ints.map { UInt64(truncatingIfNeeded: $0) }, message)
    default:
      throw EngineError(.unsupported, "constants of \(dtype) are not read")
    }
  }

  /// The elements, the last of them repeated to fill the shape.
  private static func unfolded<T: FixedWidthInteger>(
    _ type: TensorType, _ given: [T], _ message: ProtoMessage
  ) throws(EngineError) -> Tensor {
    guard given.count <= type.count else {
      throw EngineError(
        .malformed, "a constant has more elements than \(type)", received: "\(given.count)",
        subject: .init(offset: message.range.lowerBound))
    }
    return try Tensor(type) { (bytes) throws(EngineError) in
      let target = bytes.bindMemory(to: T.self)
      let last = given.last ?? 0
      for i in 0..<min(type.count, target.count) { target[i] = i < given.count ? given[i] : last }
    }
  }

  private static func text(
    _ strings: [ProtoMessage], _ shape: Shape, _ message: ProtoMessage
  ) throws(EngineError) -> Tensor {
    guard strings.count <= shape.count, shape.count <= 1 << 24 else {
      throw message.malformed("a constant of strings does not fit its shape")
    }
    var values: [String] = []
    for s in strings { values.append(try s.text()) }
    let last = values.last ?? ""
    while values.count < shape.count { values.append(last) }
    return try Tensor(shape: shape, strings: values)
  }
}

/// A `TensorShapeProto`: field 2 dims (1 size), field 3 unknown rank.
enum TFShape {
  /// Sizes, -1 for unknown ones; nil for an unknown rank.
  static func dims(_ message: ProtoMessage) throws(EngineError) -> [Int]? {
    var dims: [Int] = []
    var isUnknown = false
    try message.forEach { (f) throws(EngineError) in
      if f.number == 2 { dims.append(try f.message.last(1)?.int ?? 0) }
      if f.number == 3 { isUnknown = f.bool }
    }
    guard dims.count <= 254 else { throw message.malformed("a shape has too many axes") }
    return isUnknown ? nil : dims.map { max($0, -1) }
  }
}
