import Graphs
import Kernels
import Tensors

/// The pixels of an image file.
///
/// - `encoded_stream`: the file's bytes, uint8 `[N]`. Output: uint8 `[H, W, C]`.
/// - `pixel_format`: default `RGB`, or `BGR`, both of three channels, or `Grayscale` of one.
/// - BMP and PNM are decoded here; JPEG, JPEG 2000, PNG, TIFF and WebP by libraries of the system,
///   which are looked for when such a file comes.
/// - Transparency is left out; the first picture of several is taken; 16-bit gray is cut at 255 and
///   16-bit colours are halved: as Pillow's `convert`, the standard's reference, does. Of TIFF files
///   the orientation is applied, of others not, which also is Pillow's.
/// - Errors: `.malformed` for damaged files, where the standard speaks of an empty matrix;
///   `.unsupported` for kinds of a format that are not read; `.unavailable` naming the library that
///   is missing; `.budget` for more pixels than `ImageReader.mostPixels`.
/// - Source: ONNX ImageDecoder 20.
public struct ImageDecoder: Operator {
  public let format: PixelFormat

  public static let schema = Schema(
    "ImageDecoder", versions: [20], inputs: [Parameter("encoded_stream", DTypes(.uint8), "T1")],
    outputs: [Parameter("image", DTypes(.uint8), "T2")],
    attributes: [AttributeSpec("pixel_format", .string, "RGB, BGR or Grayscale; default RGB")],
    cases: {
      let file = try Tensor(Array("P6 2 1 255\n".utf8) + [10, 20, 30, 40, 50, 60])
      return [
        .init(ImageDecoder(), [file]), .init(ImageDecoder(.bgr), [file]),
        .init(ImageDecoder(.grayscale), [file]),
      ]
    })

  public init(_ format: PixelFormat = .rgb) { self.format = format }
  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string(
      "pixel_format", default: "RGB", oneOf: PixelFormat.allCases.map(\.rawValue))
    format = PixelFormat(rawValue: name) ?? .rgb
  }
  public var attributes: [Attribute] {
    format == .rgb ? [] : [.string("pixel_format", format.rawValue)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let rank = c.rank(0), rank != 1 {
      throw EngineError(.shape, "the file's bytes", expected: "rank 1", received: "rank \(rank)")
    }
    return [Fact(.uint8, [c.unknown(), c.unknown(), Dim(format.channels)])]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let reader = ImageReader { (type) throws(EngineError) in try e.allocate(type) }
    let format = format
    let pixels = try e.tensor(0).withUnsafeBytes { (bytes) throws(EngineError) in
      try reader.decode(bytes, as: format)
    }
    return [.tensor(Tensor(pixels))]
  }
}
