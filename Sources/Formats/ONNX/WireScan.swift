import CSchemas
import Tensors

/// A walk over a serialised message before it is decoded: iterative, bounded, without copying.
///
/// libprotobuf-c recurses without a limit, copies every byte field, takes strings with NUL or bad
/// UTF-8 and lets a repeated field replace or merge with an earlier one. The walk refuses all of
/// that and notes where each large `raw_data` lies, so that the message is decoded without them.
///
/// Errors: `.malformed` with the byte offset; `.budget` for more fields or unknown bytes than the
/// limits allow.
struct WireScan {
  /// A `raw_data` field that is left out of the decoded message.
  struct Cut {
    /// The field with its tag.
    let field: Range<Int>
    /// The bytes of the tensor.
    let payload: Range<Int>
  }
  /// A message's length, rewritten because of the cuts within it.
  struct Patch {
    let position: Int
    let width: Int
    let length: Int
  }
  private struct Frame {
    let kind: PB.Descriptor
    let end: Int
    let lengthPosition: Int
    let lengthWidth: Int
    let keepsAll: Bool
    var seen: UInt64 = 0
    var removed = 0
  }

  /// Shorter fields are cheaper to copy than to cut.
  static let cutThreshold = 4096
  /// Tag and value of `TensorProto.cut`, a fixed 32-bit field.
  static let markerTag: [UInt8] = [0xFD, 0xFF, 0xFF, 0xFF, 0x0F]
  static let markerField = 536_870_911
  static let markerBytes = 9

  private(set) var cuts: [Cut] = []
  private(set) var patches: [Patch] = []

  /// - Parameter isStripped: the bytes are another scan's result, in which cuts are marked.
  init(
    _ bytes: UnsafeRawBufferPointer, as root: PB.Descriptor, limits: ReadLimits,
    isStripped: Bool = false
  ) throws(EngineError) {
    guard bytes.count <= limits.maxFileBytes else {
      throw EngineError(
        .budget, "the file is too large", expected: "at most \(limits.maxFileBytes) bytes",
        received: "\(bytes.count)", hint: "keep the weights in external data")
    }
    let reader = WireReader(bytes)
    var frames = ContiguousArray(
      repeating: Frame(
        kind: root, end: bytes.count, lengthPosition: 0, lengthWidth: 0, keepsAll: false),
      count: max(limits.maxDepth, 1))
    var depth = 0
    var at = 0
    var fields = 0
    var unknown = 0
    while true {
      while at == frames[depth].end {
        if depth == 0 { return }
        let done = frames[depth]
        depth -= 1
        guard done.removed > 0 else { continue }
        patches.append(
          Patch(
            position: done.lengthPosition, width: done.lengthWidth,
            length: done.end - done.lengthPosition - done.lengthWidth - done.removed))
        frames[depth].removed += done.removed
      }
      let start = at
      let frame = frames[depth]
      let name = frame.kind.pointee.short_name
      fields += 1
      guard fields <= limits.maxFields else {
        throw EngineError(
          .budget, "too many fields", expected: "at most \(limits.maxFields)",
          subject: .init(offset: start))
      }
      let tag = try reader.varint(&at, end: frame.end, bytes: 5)
      let wire = Int(tag & 7)
      let number = Int(tag >> 3)
      guard number >= 1, number <= WireScan.markerField else {
        throw EngineError.wire("field number \(number) is illegal", start, within: name)
      }
      guard wire != 3, wire != 4, wire < 6 else {
        throw EngineError.wire("field \(number) has wire type \(wire)", start, within: name)
      }
      var lengthPosition = at
      let payload = try reader.skip(wire, &at, end: frame.end, lengthPosition: &lengthPosition)
      guard
        let field = protobuf_c_message_descriptor_get_field(frame.kind, UInt32(number))
      else {
        unknown += at - start
        guard unknown <= limits.maxUnknownBytes else {
          throw EngineError(
            .budget, "too many bytes in unknown fields",
            expected: "at most \(limits.maxUnknownBytes)", subject: .init(offset: start))
        }
        continue
      }
      guard number != WireScan.markerField || isStripped else {
        throw EngineError.wire("field \(number) is reserved", start, within: name)
      }
      let f = field.pointee
      let repeated = f.label == PROTOBUF_C_LABEL_REPEATED
      let packed = repeated && wire == 2 && WireReader.wireType(of: f.type) != 2
      guard packed || wire == WireReader.wireType(of: f.type) else {
        throw EngineError.wire(
          "field '\(String(cString: f.name))' has the wrong wire type", start, within: name,
          expected: "\(WireReader.wireType(of: f.type))", received: "\(wire)")
      }
      if !repeated {
        let bit: UInt64 = 1 << UInt64(WireScan.place(of: field, in: frame.kind) & 63)
        guard frames[depth].seen & bit == 0 else {
          throw EngineError.wire(
            "field '\(String(cString: f.name))' appears twice", start, within: name)
        }
        frames[depth].seen |= bit
      }
      if packed {
        try reader.checkPacked(f.type, payload)
      } else if f.type == PROTOBUF_C_TYPE_STRING {
        try reader.checkText(payload, field: f.name, within: name)
      } else if f.type == PROTOBUF_C_TYPE_MESSAGE {
        guard depth + 1 < frames.count, let kind = f.descriptor else {
          throw EngineError(
            .malformed, "messages nest too deeply", expected: "at most \(limits.maxDepth) levels",
            subject: .init(offset: start))
        }
        depth += 1
        let inner = kind.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
        frames[depth] = Frame(
          kind: inner, end: payload.upperBound, lengthPosition: lengthPosition,
          lengthWidth: payload.lowerBound - lengthPosition,
          keepsAll: frame.keepsAll || WireScan.isKeptWhole(number, of: root, in: frame.kind))
        at = payload.lowerBound
      } else if f.type == PROTOBUF_C_TYPE_BYTES, payload.count >= WireScan.cutThreshold,
        !frame.keepsAll, !isStripped, WireScan.isRawData(field)
      {
        cuts.append(Cut(field: start..<at, payload: payload))
        frames[depth].removed += at - start - WireScan.markerBytes
      }
    }
  }

  /// The field's index; one and the same for all members of a choice.
  private static func place(
    of field: UnsafePointer<ProtobufCFieldDescriptor>, in kind: PB.Descriptor
  ) -> Int {
    guard let fields = kind.pointee.fields else { return 0 }
    let index = field - fields
    guard field.pointee.flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0 else {
      return index
    }
    for i in 0..<index
    where fields[i].flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0
      && fields[i].quantifier_offset == field.pointee.quantifier_offset
    {
      return i
    }
    return index
  }

  private static func isRawData(_ field: UnsafePointer<ProtobufCFieldDescriptor>) -> Bool {
    field.pointee.id == 9 && String(cString: field.pointee.name) == "raw_data"
  }

  /// Training information is carried along as it came.
  private static func isKeptWhole(
    _ number: Int, of root: PB.Descriptor, in kind: PB.Descriptor
  ) -> Bool {
    kind == root && number == 20 && String(cString: kind.pointee.short_name) == "ModelProto"
  }

  /// The message without the cut fields: each leaves its index in `cuts` behind.
  func stripped(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var out: [UInt8] = []
    let removed = cuts.reduce(0) { $0 + $1.field.count - WireScan.markerBytes }
    out.reserveCapacity(bytes.count - removed)
    let patches = patches.sorted { $0.position < $1.position }
    var at = 0
    var patch = 0
    func copy(to end: Int) {
      while patch < patches.count, patches[patch].position < end {
        let p = patches[patch]
        out.append(contentsOf: bytes[at..<p.position])
        // The new length is shorter and keeps the width of the old one.
        for i in 0..<p.width {
          let more: UInt8 = i + 1 < p.width ? 0x80 : 0
          out.append(UInt8(p.length >> (7 * i) & 0x7F) | more)
        }
        at = p.position + p.width
        patch += 1
      }
      out.append(contentsOf: bytes[at..<end])
    }
    for (i, cut) in cuts.enumerated() {
      copy(to: cut.field.lowerBound)
      out.append(contentsOf: WireScan.markerTag)
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: i).littleEndian) {
        out.append(contentsOf: $0)
      }
      at = cut.field.upperBound
    }
    copy(to: bytes.count)
    return out
  }
}

extension EngineError {
  static func wire(
    _ message: String, _ offset: Int, within name: UnsafePointer<CChar>? = nil,
    expected: String? = nil, received: String? = nil
  ) -> EngineError {
    let place = name.map { " in \(String(cString: $0))" } ?? ""
    return EngineError(
      .malformed, message + place, expected: expected, received: received,
      subject: .init(offset: offset))
  }
}
