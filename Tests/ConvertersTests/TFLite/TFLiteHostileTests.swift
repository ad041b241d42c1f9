import Converters
import Formats
import Tensors
import Testing

/// Flatbuffers that point where they must not.
@Suite struct TFLiteHostileTests {
  /// The eight bytes that readers without a verifier read beyond (tensorflow issue 115308).
  @Test func eightBytesAreRefused() {
    #expect(failure([0x18, 0, 0, 0] + Array("TFL3".utf8))?.code == .malformed)
  }

  private func little(_ n: Int32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: n >> Int32(8 * $0)) }
  }

  /// A root table at byte 20 whose vtable, at byte 8, has `fields`; `rest` follows.
  private func root(_ fields: [UInt16], back: Int32 = 12, _ rest: [UInt8]) -> [UInt8] {
    var bytes = little(20) + Array("TFL3".utf8)
    let size = UInt16(4 + 2 * fields.count)
    for v in [size, 64] + fields { bytes += [UInt8(v & 255), UInt8(v >> 8)] }
    while bytes.count < 20 { bytes.append(0) }
    return bytes + little(back) + rest
  }

  @Test func tablesAndVectorsOutsideAreRefused() {
    let padding = [UInt8](repeating: 0, count: 64)
    for (what, bytes) in [
      ("a vtable before the file", root([4], back: 4000, padding)),
      ("a vtable behind the file", root([4], back: -4000, padding)),
      ("a field beyond its table", root([200, 0, 0], padding)),
      ("a vector beyond the file", root([0, 8], little(0) + little(1 << 30) + padding)),
      (
        "a vector with a length beyond the file",
        root([4, 8], little(3) + little(4) + little(1 << 30) + padding)
      ),
      (
        "a vector of tables that lie outside",
        root([4, 8], little(3) + little(4) + little(1) + little(1 << 29) + padding)
      ),
    ] {
      let error = failure(bytes)
      #expect(error != nil, "\(what)")
      #expect(
        error?.code == .malformed || error?.code == .unsupported, "\(what): \(error?.message ?? "")"
      )
    }
  }

  @Test(arguments: Case.all("TFLite").filter { ["op_unary_Relu", "int8_add"].contains($0.name) })
  func everyTruncationAndBitFlipEnds(_ c: Case) throws {
    let bytes = try InputFile(c.model).contents
    for n in stride(from: 0, to: bytes.count, by: 3) { _ = failure(Array(bytes[..<n])) }
    for i in 0..<(bytes.count * 8) {
      var changed = bytes
      changed[i / 8] ^= 1 << UInt8(i % 8)
      _ = failure(changed)
    }
  }
}
