import Glibc
import Tensors

/// Places of strings, told apart byte by byte: two ways to write an accented letter are two keys.
final class StringKeys: Sendable {
  private struct Slot {
    var place = -1
    var hash: UInt64 = 0
    var start = 0
    var count = 0
  }
  private let slots: [Slot]
  private let bytes: [UInt8]

  /// Of equal keys the last counts.
  init(_ list: [String]) {
    var size = 8
    while size < list.count * 2 { size *= 2 }
    var slots = [Slot](repeating: Slot(), count: size)
    var bytes: [UInt8] = []
    for (i, text) in list.enumerated() {
      let key = Array(text.utf8)
      let hash = key.withUnsafeBufferPointer { StringKeys.hash($0) }
      var at = Int(truncatingIfNeeded: hash) & (size - 1)
      while slots[at].place >= 0 {
        let s = slots[at]
        if s.hash == hash, bytes[s.start..<s.start + s.count].elementsEqual(key) { break }
        at = (at + 1) & (size - 1)
      }
      if slots[at].place < 0 {
        slots[at] = Slot(place: i, hash: hash, start: bytes.count, count: key.count)
        bytes += key
      } else {
        slots[at].place = i
      }
    }
    self.slots = slots
    self.bytes = bytes
  }

  /// The place of `text`, or -1.
  func place(_ text: String) -> Int {
    var text = text
    return text.withUTF8 { key in
      let hash = StringKeys.hash(key)
      let mask = slots.count - 1
      var at = Int(truncatingIfNeeded: hash) & mask
      return slots.withUnsafeBufferPointer { slots in
        bytes.withUnsafeBufferPointer { bytes in
          while slots[at].place >= 0 {
            let s = slots[at]
            if s.hash == hash, s.count == key.count {
              guard let a = key.baseAddress, let b = bytes.baseAddress, s.count > 0 else {
                return s.place
              }
              if memcmp(a, b + s.start, s.count) == 0 { return s.place }
            }
            at = (at + 1) & mask
          }
          return -1
        }
      }
    }
  }

  /// FNV-1a, its bits mixed once more.
  private static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var h: UInt64 = 0xCBF2_9CE4_8422_2325
    for b in key { h = (h ^ UInt64(b)) &* 0x100_0000_01B3 }
    h ^= h >> 32
    return h &* 0x9E37_79B9_7F4A_7C15 ^ (h >> 29)
  }
}
