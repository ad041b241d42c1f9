/// A kind of image file, told by its first bytes.
public enum ImageFormat: String, Sendable, CaseIterable {
  case bmp = "BMP"
  case pnm = "PNM"
  case jpeg = "JPEG"
  case jpeg2000 = "JPEG 2000"
  case png = "PNG"
  case tiff = "TIFF"
  case webp = "WebP"

  /// Nil for none of them.
  public init?(of bytes: UnsafeRawBufferPointer) {
    func starts(_ magic: [UInt8], at offset: Int = 0) -> Bool {
      bytes.count >= offset + magic.count
        && bytes[offset..<offset + magic.count].elementsEqual(magic)
    }
    if starts([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if starts([0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if starts(Array("RIFF".utf8)) && starts(Array("WEBP".utf8), at: 8) {
      self = .webp
    } else if starts([0x49, 0x49, 42, 0]) || starts([0x4D, 0x4D, 0, 42])
      || starts([0x49, 0x49, 43, 0]) || starts([0x4D, 0x4D, 0, 43])
    {
      self = .tiff
    } else if starts([0xFF, 0x4F, 0xFF, 0x51])
      || starts([0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20, 0x0D, 0x0A, 0x87, 0x0A])
    {
      self = .jpeg2000
    } else if starts(Array("BM".utf8)) {
      self = .bmp
    } else if starts(Array("P".utf8)), bytes.count > 2, (0x31...0x36).contains(bytes[1]),
      isPNMSpace(bytes[2]) || bytes[2] == UInt8(ascii: "#")
    {
      self = .pnm
    } else {
      return nil
    }
  }

  /// The file names of the library that decodes it, the best first; none for what is decoded here.
  public var libraryNames: [String] {
    switch self {
    case .bmp, .pnm: []
    case .jpeg: ["libturbojpeg.so.0"]
    case .jpeg2000: ["libopenjp2.so.7"]
    case .png: ["libpng16.so.16"]
    case .tiff: ["libtiff.so.6", "libtiff.so.5"]
    case .webp: ["libwebp.so.7"]
    }
  }

  /// The package of Debian 12 that holds the library.
  public var debianPackage: String? {
    switch self {
    case .bmp, .pnm: nil
    case .jpeg: "libturbojpeg0"
    case .jpeg2000: "libopenjp2-7"
    case .png: "libpng16-16"
    case .tiff: "libtiff6"
    case .webp: "libwebp7"
    }
  }
}
