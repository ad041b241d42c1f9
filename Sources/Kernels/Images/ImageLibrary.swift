import CImageLibraries
import Tensors

/// One opened library and the addresses of its functions.
///
/// The table is written once, in `init`, and only read after that.
final class ImageLibrary: @unchecked Sendable {
  private let name: String
  private let codec: dl_image_codec
  private let table: UnsafeMutableRawPointer

  /// Errors: `.unavailable` when the library lacks a function.
  init(name: String, format: ImageFormat, handle: UnsafeMutableRawPointer) throws(EngineError) {
    let kind: dl_image_library? =
      switch format {
      case .bmp, .pnm: nil
      case .jpeg: DL_IMAGE_TURBOJPEG
      case .jpeg2000: DL_IMAGE_OPENJPEG
      case .png: DL_IMAGE_LIBPNG
      case .tiff: DL_IMAGE_LIBTIFF
      case .webp: DL_IMAGE_LIBWEBP
      }
    guard let codec = kind.flatMap({ dl_image_codec_of($0) })?.pointee else {
      throw EngineError(.internalDefect, "no library decodes \(format.rawValue) images")
    }
    let table = UnsafeMutableRawPointer.allocate(
      byteCount: codec.table_bytes, alignment: MemoryLayout<UnsafeRawPointer>.alignment)
    if let missing = codec.bind(handle, table) {
      table.deallocate()
      throw EngineError(
        .unavailable, "the library \(name) is not the one it should be",
        expected: "its function \(String(cString: missing))",
        hint: format.debianPackage.map { "on Debian it is in the package \($0)" })
    }
    self.name = name
    self.codec = codec
    self.table = table
  }

  deinit { table.deallocate() }

  /// Errors: `.malformed`, `.unsupported`, `.budget`, `.unavailable`.
  func decode(_ bytes: UnsafeRawBufferPointer, _ reader: ImageReader) throws(EngineError)
    -> PixelImage
  {
    var image = dl_image()
    image.bytes = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    image.count = bytes.count
    // Libraries need a little for small images too.
    image.limit = reader.maxPixels * 8 + (1 << 24)
    // libpng and libtiff keep its address, so it must not move.
    return try withUnsafeMutablePointer(to: &image) { (image) throws(EngineError) -> PixelImage in
      defer { codec.close(table, image) }
      try check(codec.open(table, image), image)
      try reader.check(width: Int(image.pointee.width), height: Int(image.pointee.height))
      let layout: PixelLayout =
        switch image.pointee.layout {
        case DL_IMAGE_GRAY8: .gray8
        case DL_IMAGE_GRAY16: .gray16
        case DL_IMAGE_CMYK8: .cmyk8
        default: .rgb8
        }
      guard image.pointee.working_bytes <= image.pointee.limit else {
        throw EngineError(
          .budget, "decoding the image takes too much memory",
          expected: "at most \(image.pointee.limit) bytes",
          received: "\(image.pointee.working_bytes)")
      }
      let pixels = try PixelImage(
        layout, width: Int(image.pointee.width), height: Int(image.pointee.height),
        reader.allocate)
      try check(codec.read(table, image, pixels.storage.bytes), image)
      return pixels
    }
  }

  private func check(
    _ status: dl_image_status, _ image: UnsafeMutablePointer<dl_image>
  ) throws(EngineError) {
    guard status != DL_IMAGE_OK else { return }
    let text = withUnsafeBytes(of: &image.pointee.text) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    let why = text.isEmpty ? "" : ": \(text)"
    switch status {
    case DL_IMAGE_UNSUPPORTED:
      throw EngineError(.unsupported, "an image of this kind is not read here\(why)")
    case DL_IMAGE_NO_MEMORY:
      throw EngineError(.budget, "no memory to decode the image\(why)")
    case DL_IMAGE_WRONG_LIBRARY:
      throw EngineError(.unavailable, "the library \(name) is not the one it should be\(why)")
    default: throw EngineError(.malformed, "the image is damaged\(why)")
    }
  }
}
