import Formats
import Tensors

/// Reads the binary files of CIFAR-10 and CIFAR-100: 32x32 images in planes of red, green, blue.
///
/// Source: Krizhevsky, "The CIFAR-10 and CIFAR-100 datasets".
public enum CIFAR {
  /// Images as uint8 `[N, 32, 32, 3]` and labels as int64 `[N]`, of all files together.
  ///
  /// - `coarse`: for CIFAR-100, which has two labels a sample, the first of them.
  /// - `labels`: bytes of labels before each image, 1 or 2 (CIFAR-100).
  /// - Errors: `.inputMissing`; `.malformed` for a length that is no number of samples.
  public static func read(
    _ paths: [String], labels: Int = 1, coarse: Bool = false
  ) throws(EngineError) -> (images: Tensor, labels: Tensor) {
    guard labels == 1 || labels == 2, !paths.isEmpty else {
      throw EngineError(.value, "wrong request", expected: "files with 1 or 2 labels a sample")
    }
    let size = labels + 3072
    var (pixels, classes): ([UInt8], [Int64]) = ([], [])
    for path in paths {
      let bytes = try InputFile.unpacked(path)
      guard !bytes.isEmpty, bytes.count % size == 0 else {
        throw EngineError(
          .malformed, "the length is no number of samples", expected: "a multiple of \(size)",
          received: "\(bytes.count)", subject: .init(file: path))
      }
      for i in 0..<bytes.count / size {
        let start = i * size + labels
        classes.append(Int64(bytes[coarse || labels == 1 ? i * size : i * size + 1]))
        for p in 0..<1024 {
          for c in 0..<3 { pixels.append(bytes[start + c * 1024 + p]) }
        }
      }
    }
    return (
      try Tensor(shape: [classes.count, 32, 32, 3], pixels), try Tensor(classes)
    )
  }
}
