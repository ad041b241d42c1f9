import Layers
import Tensors
import Training

/// A model from a file as a network of one output, the one that is trained.
final class ImportedNetwork: Network {
  let model: ImportedModel
  private var output = 0

  init(_ model: ImportedModel) {
    self.model = model
    super.init()
  }

  func select(_ output: Int) { self.output = output }

  override func build(all shapes: [LayerShape]) throws(EngineError) {}

  override func outputShapes(
    for shapes: [LayerShape]
  ) throws(EngineError) -> [LayerShape] { [[nil]] }

  override func run(_ input: LayerInput) throws -> LayerOutput {
    LayerOutput(try model(input.values)[output])
  }
}
