import Formats
import Tensors

/// A whole model in HDF5, as Keras 1 to 3 write it: the configuration is an attribute, weights stand
/// in a group for each layer.
struct KerasLegacyFile {
  let config: JSONValue
  let version: String
  let root: HDF5Object

  /// Errors: `.malformed`; `.usage` for a file of weights only.
  init(_ file: HDF5File) throws(EngineError) {
    root = try file.root
    guard let text = try root.attribute("model_config")?.text() else {
      let names = try root.attribute("layer_names")
      let layers = try root.child("layers")
      let isWeights = names != nil || layers != nil
      throw EngineError(
        isWeights ? .usage : .malformed, "the HDF5 file holds no Keras model",
        expected: "an attribute model_config",
        hint: isWeights
          ? "it holds weights only: save the whole model with model.save()" : nil)
    }
    config = try JSONParser.parse(Array(text.utf8), nonFinite: true)
    version = try root.attribute("keras_version")?.text() ?? "2"
  }
}
