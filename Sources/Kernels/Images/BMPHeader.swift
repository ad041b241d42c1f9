import Tensors

/// What a bitmap's headers say.
struct BMPHeader {
  enum Coding { case plain, runs4, runs8, masks }

  let width: Int
  let height: Int
  let isTopDown: Bool
  /// Bits a pixel: 1, 4, 8, 16, 24 or 32.
  let bits: Int
  let coding: Coding
  /// Red, green and blue, for 16 and 32 bits.
  var masks: [UInt32] = []
  /// Red, green, blue; black for what a short palette lacks. For 1, 4 and 8 bits.
  var palette: [(UInt8, UInt8, UInt8)] = []
  /// Where the pixels begin, in bytes.
  private(set) var start: Int

  /// Errors: `.malformed`, `.unsupported`.
  init(_ file: ImageBytes) throws(EngineError) {
    start = Int(try file.u32(10))
    let size = Int(try file.u32(14))
    let isOld = size == 12
    guard isOld || [40, 52, 56, 64, 108, 124].contains(size) else {
      throw EngineError(.unsupported, "a header of \(size) bytes")
    }
    _ = try file.slice(14, size)
    var colours = 0
    var compression: UInt32 = 0
    if isOld {
      width = try file.u16(18)
      height = try file.u16(20)
      isTopDown = false
      bits = try file.u16(24)
    } else {
      width = Int(Int32(bitPattern: try file.u32(18)))
      let signed = Int(Int32(bitPattern: try file.u32(22)))
      height = abs(signed)
      isTopDown = signed < 0
      bits = try file.u16(28)
      compression = try file.u32(30)
      colours = Int(try file.u32(46))
    }
    guard [1, 4, 8, 16, 24, 32].contains(bits) else {
      throw EngineError(.unsupported, "pixels of \(bits) bits")
    }
    switch (compression, bits) {
    case (0, _): coding = .plain
    case (1, 8): coding = .runs8
    case (2, 4): coding = .runs4
    case (3, 16), (3, 24), (3, 32), (6, 16), (6, 32):
      guard size != 64 else { throw EngineError(.unsupported, "Huffman coding") }
      coding = .masks
    default:
      throw EngineError(
        .unsupported, "pixels of \(bits) bits with compression \(compression)")
    }
    var end = 14 + size
    if coding == .masks {
      // In long headers the masks lie where short ones have them behind.
      masks = [try file.u32(54), try file.u32(58), try file.u32(62)]
      if size == 40 { end += compression == 6 ? 16 : 12 }
      if masks == [0, 0, 0] { masks = [] }
    }
    if masks.isEmpty && bits > 8 {
      masks = bits == 16 ? [0x7C00, 0x3E0, 0x1F] : [0xFF0000, 0xFF00, 0xFF]
    }
    for m in masks {
      let ones = m == 0 ? 0 : m >> UInt32(m.trailingZeroBitCount)
      guard ones & (ones &+ 1) == 0 else {
        throw EngineError(.unsupported, "a colour mask with gaps", received: "\(m)")
      }
    }
    if bits <= 8 { try readPalette(file, at: end, colours, entry: isOld ? 3 : 4) }
  }

  private mutating func readPalette(
    _ file: ImageBytes, at place: Int, _ given: Int, entry: Int
  ) throws(EngineError) {
    let colours = given == 0 ? 1 << bits : given
    guard colours <= 1 << 16 else {
      throw EngineError(.malformed, "a palette of \(colours) colours")
    }
    // Some programs leave the palette out of the offset, or give none.
    if start == place || start == 0 { start = place + entry * colours }
    palette = Array(repeating: (0, 0, 0), count: 1 << bits)
    let room = max(0, start - place) / entry
    for i in 0..<min(colours, palette.count, room) {
      let b = try file.slice(place + entry * i, 3)
      palette[i] = (b[2], b[1], b[0])
    }
  }
}
