import Tensors

/// Decodes image files.
///
/// BMP and PNM are decoded here, the other formats by the system's libraries. Sizes are checked
/// before memory is taken for them.
public struct ImageReader {
  /// The most pixels an image may have: Pillow's own bound against decompression bombs, which is
  /// twice a quarter of a GiB of RGB.
  public static let mostPixels = 2 * ((1 << 30) / 4 / 3)

  public var maxPixels: Int
  let libraries: ImageLibraries
  let allocate: (TensorType) throws(EngineError) -> Storage

  /// `allocate` makes the memory of the result and of steps before it.
  public init(
    libraries: ImageLibraries = .system, maxPixels: Int = ImageReader.mostPixels,
    allocate: @escaping (TensorType) throws(EngineError) -> Storage = {
      (type) throws(EngineError) in
      try Storage(type)
    }
  ) {
    self.libraries = libraries
    self.maxPixels = min(maxPixels, ImageReader.mostPixels)
    self.allocate = allocate
  }

  /// The first picture of a file, upright, without its transparency: uint8 `[H, W, C]`.
  ///
  /// Errors: `.malformed` for bytes of no known format, and for damaged and cut off files;
  /// `.unsupported` for kinds of a format that are not read; `.unavailable` for a library that is
  /// missing; `.budget` for more pixels than `maxPixels` or more memory than there is.
  public func decode(
    _ bytes: UnsafeRawBufferPointer, as format: PixelFormat
  ) throws(EngineError) -> Storage {
    guard let kind = ImageFormat(of: bytes) else {
      let start = bytes.prefix(8).map { "\($0)" }.joined(separator: ", ")
      throw EngineError(
        .malformed, "not an image file of a known format",
        expected: ImageFormat.allCases.map(\.rawValue).joined(separator: ", "),
        received: "\(bytes.count) bytes beginning with [\(start)]")
    }
    do throws(EngineError) {
      return try pixels(bytes, kind).converted(to: format, allocate)
    } catch let e {
      throw EngineError(
        e.code, "\(kind.rawValue): \(e.message)", expected: e.expected, received: e.received,
        hint: e.hint, subject: e.subject, cause: e.cause)
    }
  }

  private func pixels(
    _ bytes: UnsafeRawBufferPointer, _ kind: ImageFormat
  ) throws(EngineError) -> PixelImage {
    switch kind {
    case .bmp: return try BMPReader(ImageBytes(bytes)).read(self)
    case .pnm:
      var reader = PNMReader(bytes)
      return try reader.read(self)
    case .jpeg, .jpeg2000, .png, .tiff, .webp:
      return try libraries.library(for: kind).decode(bytes, self)
    }
  }

  /// Errors: `.malformed` for an empty image, `.budget` for too large a one.
  func check(width: Int, height: Int) throws(EngineError) {
    guard width > 0, height > 0 else {
      throw EngineError(
        .malformed, "the image has no pixels", received: "\(width) x \(height)")
    }
    let (count, isOver) = width.multipliedReportingOverflow(by: height)
    guard !isOver, count <= maxPixels else {
      throw EngineError(
        .budget, "the image is too large", expected: "at most \(maxPixels) pixels",
        received: "\(width) x \(height)")
    }
  }
}

/// A file's bytes, read with checks.
struct ImageBytes {
  let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var count: Int { bytes.count }

  /// Errors: `.malformed` beyond the end.
  func slice(_ at: Int, _ count: Int) throws(EngineError) -> UnsafeRawBufferPointer {
    guard at >= 0, count >= 0, at <= bytes.count, count <= bytes.count - at else {
      throw EngineError(
        .malformed, "the file is cut off", expected: "\(count) bytes from byte \(at) on",
        received: "a file of \(bytes.count) bytes")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
  }
  func u8(_ at: Int) throws(EngineError) -> UInt8 { try slice(at, 1)[0] }
  func u16(_ at: Int) throws(EngineError) -> Int {
    let b = try slice(at, 2)
    return Int(b[0]) | Int(b[1]) << 8
  }
  func u32(_ at: Int) throws(EngineError) -> UInt32 {
    let b = try slice(at, 4)
    return UInt32(b[0]) | UInt32(b[1]) << 8 | UInt32(b[2]) << 16 | UInt32(b[3]) << 24
  }
}
