import ArgumentParser
import Converters
import Graphs
import Tensors

/// Options of `dlrun convert` that put the weights of a file onto the model.
struct WeightOptions: ParsableArguments {
  @Option(
    help: "Weights to put onto the model by name: .pt, .pth, .safetensors or its index, .npz.",
    completion: .file())
  var weights: String?
  @Flag(help: "With --weights: weights that the file lacks stay as they are.") var partial = false

  func validate() throws {
    if partial, weights == nil { throw ValidationError("--partial goes with --weights") }
  }

  /// Puts the weights on a model, and says what matched, what was missing and what was left over;
  /// nil without --weights.
  ///
  /// Errors: those of the file; of the function: `.shape` and `.usage` where the file does not fit,
  /// naming it.
  func adjustment() throws(EngineError) -> (
    @Sendable (inout ModelGraph) throws(EngineError) -> [String]
  )? {
    guard let weights else { return nil }
    let (kind, tensors) = try WeightFile.read(weights)
    let isPartial = partial
    return { (model: inout ModelGraph) throws(EngineError) in
      do throws(EngineError) {
        return try WeightTransfer.apply(
          tensors, to: &model, isPartial: isPartial, isTorch: kind != .npz
        ).lines
      } catch { throw error.at(file: weights) }
    }
  }
}
