import Tensors

/// Other formats that share this one's file names, told apart by their first bytes.
package enum ForeignFormat {
  case graphDef, savedModel, zip, hdf5, flatbuffer

  package init?(_ bytes: UnsafeRawBufferPointer) {
    func starts(_ magic: [UInt8], at offset: Int = 0) -> Bool {
      bytes.count >= offset + magic.count
        && magic.indices.allSatisfy { bytes[offset + $0] == magic[$0] }
    }
    if starts([0x50, 0x4B, 0x03, 0x04]) {
      self = .zip
    } else if starts([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A]) {
      self = .hdf5
    } else if starts([0x54, 0x46, 0x4C, 0x33], at: 4) {
      self = .flatbuffer
    } else if ForeignFormat.isGraphDef(bytes, 0..<bytes.count) {
      self = .graphDef
    } else if ForeignFormat.isSavedModel(bytes) {
      self = .savedModel
    } else {
      return nil
    }
  }

  /// A GraphDef starts with a node (field 1), which starts with its name (1) and operator (2). A
  /// model's field 1 is a number.
  private static func isGraphDef(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    var at = range.lowerBound
    guard let node = field(1, bytes, &at, end: range.upperBound) else { return false }
    at = node.lowerBound
    guard field(1, bytes, &at, end: node.upperBound) != nil else { return false }
    return field(2, bytes, &at, end: node.upperBound) != nil
  }

  /// A SavedModel starts with the number 1 (field 1) and a meta graph (2), which starts with its
  /// meta information (1). A model's field 2 is text.
  private static func isSavedModel(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count > 4, bytes[0] == 0x08, bytes[1] == 0x01 else { return false }
    var at = 2
    guard let meta = field(2, bytes, &at, end: bytes.count) else { return false }
    at = meta.lowerBound
    return meta.count > 64 && field(1, bytes, &at, end: meta.upperBound) != nil
  }

  /// The contents of the next field when it is length-delimited and has this number.
  private static func field(
    _ number: UInt8, _ bytes: UnsafeRawBufferPointer, _ at: inout Int, end: Int
  ) -> Range<Int>? {
    guard at < end, bytes[at] == number << 3 | 2 else { return nil }
    at += 1
    guard let length = try? WireReader(bytes).varint(&at, end: end, bytes: 5),
      length <= UInt64(end - at)
    else { return nil }
    let start = at
    at += Int(length)
    return start..<at
  }

  package var error: EngineError {
    let what =
      switch self {
      case .graphDef: "a TensorFlow GraphDef"
      case .savedModel: "a TensorFlow SavedModel"
      case .zip: "a zip archive, such as PyTorch and Keras write"
      case .hdf5: "an HDF5 file, such as Keras writes"
      case .flatbuffer: "a TensorFlow Lite model"
      }
    return EngineError(
      .malformed, "the file looks like \(what)", expected: "an ONNX model",
      hint: "convert it with `dlrun convert`")
  }
}
