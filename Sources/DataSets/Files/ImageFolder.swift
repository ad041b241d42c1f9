import Formats
import Kernels
import Layers
import Tensors

/// Images in folders, one folder a class: `cats/1.png`, `dogs/2.jpg`. Files are read and decoded
/// when a batch needs them; PNG, JPEG and WebP by the system's libraries, found at run time.
///
/// A sample's input is float32 `[N, height, width, channels]` from 0 to 255, its target the class
/// number, int64 `[N]`. Images of other sizes are scaled, by the mean of the pixels they cover when
/// they shrink and by the nearest otherwise.
public struct ImageFolder: DataSet {
  public let paths: [String]
  public let labels: [Int]
  public let classes: [String]
  public let height: Int
  public let width: Int
  public let isGray: Bool

  static let endings = [
    ".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".pnm", ".webp", ".tif", ".tiff",
  ]

  /// - `size`: height and width; by default those of the first image.
  /// - Errors: `.inputMissing`; `.malformed` for a folder without class folders or images;
  ///   `.unavailable` that names the missing library.
  public init(
    _ folder: String, size: (height: Int, width: Int)? = nil, gray: Bool? = nil
  ) throws(EngineError) {
    var (paths, labels, classes): ([String], [Int], [String]) = ([], [], [])
    for name in try listing(folder) where isFolder("\(folder)/\(name)") {
      let files = try listing("\(folder)/\(name)").filter { file in
        Self.endings.contains { file.lowercased().hasSuffix($0) }
      }
      if files.isEmpty { continue }
      for file in files {
        paths.append("\(folder)/\(name)/\(file)")
        labels.append(classes.count)
      }
      classes.append(name)
    }
    guard let first = paths.first else {
      throw EngineError(
        .malformed, "the folder has no images in class folders",
        expected: "CLASS/NAME with one of \(Self.endings.joined(separator: " "))",
        subject: .init(file: folder))
    }
    self.paths = paths
    self.labels = labels
    self.classes = classes
    let sample = try Self.decode(first, gray: false)
    height = size?.height ?? sample.shape[0]
    width = size?.width ?? sample.shape[1]
    guard height > 0, width > 0 else {
      throw EngineError(.value, "no size for images", received: "\(height) x \(width)")
    }
    if let gray {
      isGray = gray
    } else {
      // Gray pictures decode to three equal channels.
      let pixels = sample.elements(UInt8.self)
      var isColoured = false
      for i in 0..<sample.count / 3 {
        let (r, g, b) = (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2])
        if r != g || r != b { isColoured = true }
      }
      isGray = !isColoured
    }
  }

  public var count: Int { paths.count }

  public func batch(_ samples: [Int]) throws -> Batch {
    try checkSamples(samples, count)
    let channels = isGray ? 1 : 3
    var pixels: [Float] = []
    pixels.reserveCapacity(samples.count * height * width * channels)
    for i in samples {
      pixels += resized(try Self.decode(paths[i], gray: isGray), height, width)
    }
    return Batch(
      [try Tensor(shape: [samples.count, height, width, channels], pixels)],
      [try Tensor(samples.map { Int64(labels[$0]) })])
  }

  /// uint8 `[H, W, C]`.
  static func decode(_ path: String, gray: Bool) throws(EngineError) -> Tensor {
    let file = try InputFile(path)
    defer { withExtendedLifetime(file) {} }
    do throws(EngineError) {
      return Tensor(try ImageReader().decode(file.bytes, as: gray ? .grayscale : .rgb))
    } catch { throw error.at(file: path) }
  }
}

/// Pixels `[H, W, C]` at another size: means of the pixels covered when shrinking, the nearest
/// otherwise.
func resized(_ image: Tensor, _ height: Int, _ width: Int) -> [Float] {
  let (h, w, c) = (image.shape[0], image.shape[1], image.shape[2])
  let x = image.elements(UInt8.self)
  if h == height && w == width { return x.map { Float($0) } }
  var result: [Float] = []
  result.reserveCapacity(height * width * c)
  func span(_ i: Int, _ from: Int, _ to: Int) -> Range<Int> {
    let start = min(i * from / to, from - 1)
    return start..<max(start + 1, (i + 1) * from / to)
  }
  for i in 0..<height {
    let rows = span(i, h, height)
    for j in 0..<width {
      let columns = span(j, w, width)
      for k in 0..<c {
        var sum = 0
        for r in rows { for q in columns { sum += Int(x[(r * w + q) * c + k]) } }
        result.append(Float(sum) / Float(rows.count * columns.count))
      }
    }
  }
  return result
}
