import DataSets
import Layers
import Runtime
import Tensors

/// Runs an encoding with the runtime that will run the saved model, so that training sees what the
/// model will see.
struct Encoder: Sendable {
  private let session: Session

  init(_ encoding: any Encoding) throws(EngineError) {
    session = try Session(encoding.model())
  }

  func callAsFunction(_ raw: [Tensor]) throws(EngineError) -> Tensor {
    let results = try session.run(ordered: raw.map { .tensor($0) })
    guard case .tensor(let made)? = results.first ?? nil else {
      throw EngineError(.internalDefect, "an encoding gave nothing")
    }
    return made
  }

  /// Raw samples as the network takes them, with their targets.
  func encoded(_ data: any DataSet) -> MappedData {
    data.map { batch in Batch([try self(batch.inputs)], batch.targets) }
  }
}
