import DataSets
import Formats
import Graphs
import Layers
import Tensors
import Training

/// Trains a model from a file further, on data that its inputs take as they are.
struct FineTuning {
  let recipe: Recipe
  let base: String

  func run() throws -> Recipe.Result {
    let source = try ModelFile.read(contentsOf: base)
    let imported: ImportedModel
    do { imported = try ImportedModel(source) } catch let error as EngineError {
      throw error.at(file: base)
    }
    var config = recipe.config
    // What encodes and scales belongs to the data the model was made for.
    for pattern in ["encode/*", "decode/*"] + config.freeze { _ = imported.freeze(pattern) }
    guard imported.parameters.contains(where: \.isTrainable) else {
      throw EngineError(
        .invalidModel, "the model has no parameters to train", subject: .init(file: base))
    }
    let network = ImportedNetwork(imported)
    let data = try BaseData(model: source, imported: imported, config: config, path: base)
    let problem = try data.problem(recipe.data, held: recipe.test)
    if config.learningRate == nil { config.learningRate = 3e-4 }
    // Strings have no place in a step's graph.
    if problem.train.count > 0,
      try problem.train.batch([0]).inputs.contains(where: {
        $0.dtype == .string
      })
    {
      config.eager = true
    }
    var tuned = recipe
    tuned.config = config
    recipe.log("fine-tuning \(base): \(problem.goal.description)")
    for note in problem.notes { recipe.log(note) }
    network.select(data.output)
    try network.prepare(
      for: try problem.train.batch([0]).inputs.map { x in
        LayerShape(batchOf: x.shape.array.dropFirst().map { Optional($0) })
      })
    let loss: LossFunction =
      if case .number = problem.goal { .meanSquaredError } else {
        .sparseCategoricalCrossEntropy(fromLogits: !data.isProbability)
      }
    let trained = try tuned.train(
      network, problem, loss: loss, metrics: recipe.metrics(problem.goal))
    let model = try imported.modelGraph()
    let report = try Measurement(problem: problem).report(model, output: data.output)
    if recipe.writes { try SavedModel.write(model, to: recipe.output) }
    trained.keeper.finish()
    return recipe.result(trained, network, problem, report)
  }
}
