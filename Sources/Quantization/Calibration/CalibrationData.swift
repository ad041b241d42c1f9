import Graphs
import Tensors

/// Inputs for a model, batch by batch, that can be gone through more than once.
public protocol CalibrationData {
  /// Calls `body` with the inputs of each batch, by name, and the number of its rows, from the first
  /// batch on, until it returns false.
  ///
  /// Errors: those of reading, and of `body`.
  func forEachBatch(
    _ body: (_ inputs: [String: Tensor], _ rows: Int) throws(EngineError) -> Bool
  ) throws(EngineError)
}
