import Graphs
import Tensors

/// An instance of a layer: its configuration, its weights, and the layers within it.
///
/// Shared layers are one object that is called several times; their weights stand in the graph once.
final class KerasObject {
  /// A weight where the file has it: read when it is used, so that what it was before it is laid out
  /// otherwise takes memory only meanwhile.
  struct Weight {
    let dataset: HDF5Object
    /// As messages name it.
    let name: String

    /// Keras marks bfloat16, which HDF5 has no type for, by an attribute.
    func tensor() throws(EngineError) -> Tensor {
      let tensor = try dataset.tensor(name)
      if try dataset.attribute("dtype")?.text() == "bfloat16", tensor.dtype.byteSize == 2 {
        return Tensor(Storage(viewing: tensor.storage, as: TensorType(.bfloat16, tensor.shape)))
      }
      return tensor
    }
  }

  let name: String
  let className: String
  let config: KerasConfig
  let layer: any KerasLayer
  /// Layers within it, by the path of attributes that Keras 3 stores their weights under, in the
  /// order of their creation.
  let children: [(path: String, object: KerasObject)]
  /// Whether its weights are trained: legacy files order weights by it.
  let isTrainable: Bool
  /// The element type of inputs and computation; nil where a layer has none of its own.
  let computeType: DType?
  /// By index in `layer.variables`; nil where the file has none or inference needs none.
  var weights: [Weight?] = []
  /// What weights became in the graph, by index and form.
  var values: [String: ValueID] = [:]

  init(
    _ config: KerasConfig, _ layer: any KerasLayer, children: [(path: String, object: KerasObject)]
  ) throws(EngineError) {
    name = config.name
    className = config.className
    self.config = config
    self.layer = layer
    self.children = children
    isTrainable = try config.bool("trainable", default: true)
    computeType = try KerasPolicy.computeType(config)
  }

  /// All variables of this layer and those within, in the order of Keras' `weights`.
  func allVariables(
    isTrainable outer: Bool = true
  ) -> [(object: KerasObject, index: Int, isTrained: Bool)] {
    let isTrainable = outer && isTrainable
    var list: [(object: KerasObject, index: Int, isTrained: Bool)] = []
    for (i, variable) in layer.variables.enumerated() {
      list.append((self, i, isTrainable && variable.isTrained))
    }
    for child in children { list += child.object.allVariables(isTrainable: isTrainable) }
    return list
  }
}
