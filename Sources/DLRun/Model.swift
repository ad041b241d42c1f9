import Formats
import Graphs
import Tensors

/// A graph with its weights and all that its file says about it.
public typealias Model = ModelGraph

extension ModelGraph {
  /// Reads a model: `.onnx`, `.pb`, either compressed with gzip, or one compiled by `compile`.
  ///
  /// Weights stay in the mapped file; do not change the file while the model is in use.
  ///
  /// Errors: `.inputMissing`, `.malformed`, `.invalidModel`, `.budget`, each naming file and place.
  ///
  /// ```swift
  /// let model = try Model(contentsOf: "model.onnx")
  /// let session = try Session(model, options: .init(threads: 2))
  /// let outputs = try session.run(["x": Tensor([[1, 2, 3]])])
  /// ```
  public init(contentsOf path: String) throws(EngineError) {
    self = try ModelFile.read(contentsOf: path)
  }

  /// Reads a model, gzipped, compiled or neither, from memory. Weights are copied. A model with
  /// weights in other files is refused.
  ///
  /// Errors: `.malformed`, `.invalidModel`, `.budget`, naming place and `name`.
  public init(bytes: [UInt8], name: String = "model") throws(EngineError) {
    self = try ModelFile.read(bytes: bytes, name: name)
  }
}
