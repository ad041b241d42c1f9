import Glibc
import Graphs
import Tensors

/// Choices of a conversion.
public struct ConversionOptions: Sendable {
  /// The opset of ai.onnx to write; nil: the lowest from 17 up that has a form for every node.
  public var opset: Int?
  /// The signature of a SavedModel or TFLite model to convert; nil: `serving_default`, else the
  /// only one.
  public var signature: String?
  /// Sizes of inputs that the source leaves open, by name.
  public var shapes: [String: [Int]] = [:]
  /// What else is to become of the model: see `ModelEdits`, whose opset is the one above.
  public var edits = ModelEdits()
  /// The most bytes that constants which are computed or unpacked may take.
  public var memoryBudget = 16 << 30
  /// Changes the model as it was recorded, before anything in it is folded or joined, and says what
  /// it did: how weights of another file are put on. `ConversionResult.wasAdjusted` tells whether the
  /// converter has done it.
  public var adjust: (@Sendable (inout ModelGraph) throws(EngineError) -> [String])?
  /// Told of progress: what is being done, and the part that is done, from 0 to 1.
  public var progress: (@Sendable (String, Double) -> Void)?

  public init() {}
}

extension ConversionOptions {
  /// Reports weights as they are recorded, by their share of the source's bytes; nil where nobody
  /// looks.
  func recorder(of path: String) -> ((String, Int) -> Void)? {
    guard let progress else { return nil }
    let files = [
      path, "\(path)/saved_model.pb", "\(path)/variables/variables.data-00000-of-00001",
    ]
    var total = 1
    for file in files {
      var status = stat()
      if stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
        total &+= Int(status.st_size)
      }
    }
    return { name, bytes in
      progress("converting \(name)", 0.1 + 0.6 * min(1, Double(bytes) / Double(total)))
    }
  }
}
