import Formats
import Glibc
import Tensors

/// A folder with the four files of MNIST and of data sets in its layout.
public struct MNIST: Sendable {
  /// uint8 `[N, H, W]`.
  public let trainImages: Tensor
  /// uint8 `[N]`.
  public let trainLabels: Tensor
  public let testImages: Tensor
  public let testLabels: Tensor

  /// Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
  /// `t10k-labels-idx1-ubyte`, each also with a point before `idx`, and with `.gz`.
  ///
  /// Errors: `.inputMissing` that names the file; `.malformed` as `IDX`, or where images and labels
  /// differ in number.
  public init(folder: String) throws(EngineError) {
    func read(_ stem: String, _ rank: Int) throws(EngineError) -> Tensor {
      for separator in ["-", "."] {
        for end in ["", ".gz"] {
          let path = "\(folder)/\(stem)\(separator)idx\(rank)-ubyte\(end)"
          if access(path, F_OK) == 0 {
            let t = try IDX.read(path)
            guard t.dtype == .uint8, t.shape.rank == rank else {
              throw EngineError(
                .malformed, "not the array of this name", expected: "uint8 of \(rank) axes",
                received: "\(t.type)", subject: .init(file: path))
            }
            return t
          }
        }
      }
      throw EngineError(
        .inputMissing, "the folder has no \(stem)-idx\(rank)-ubyte", expected: "it, or with .gz",
        subject: .init(file: folder))
    }
    trainImages = try read("train-images", 3)
    trainLabels = try read("train-labels", 1)
    testImages = try read("t10k-images", 3)
    testLabels = try read("t10k-labels", 1)
    for (images, labels) in [(trainImages, trainLabels), (testImages, testLabels)]
    where images.shape[0] != labels.shape[0] {
      throw EngineError(
        .malformed, "images and labels differ in number", expected: "\(images.shape[0])",
        received: "\(labels.shape[0])", subject: .init(file: folder))
    }
  }

  /// Whether a folder has the first of the files.
  public static func isFolder(_ path: String) -> Bool {
    ["-", "."].contains { s in
      ["", ".gz"].contains { access("\(path)/train-images\(s)idx3-ubyte\($0)", F_OK) == 0 }
    }
  }
}
