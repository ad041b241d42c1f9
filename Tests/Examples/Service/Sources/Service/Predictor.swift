import DLRun
import DLRunObservability
import Logging

/// A model and what it takes to answer one request.
struct Predictor: Sendable {
  let session: Session
  /// What one request may take, waiting for its turn included.
  let timeout = Duration.seconds(1)

  init(modelPath: String, logger: Logger) throws(EngineError) {
    let model = try Model(contentsOf: modelPath)
    let reporter = SessionReporter(model: modelPath, logger: logger)
    session = try Session(model, options: .init(observer: reporter.report))
  }

  /// Each output by its name.
  func predict(_ rows: [[Float]]) async throws(EngineError) -> [String: JSONNumbers] {
    let width = rows.first?.count ?? 0
    guard width > 0, rows.allSatisfy({ $0.count == width }) else {
      throw EngineError(.usage, "rows must have the same number of columns, one or more")
    }
    let input = try Tensor(shape: [rows.count, width], sharing: rows.flatMap { $0 })
    let outputs = try await session.run(
      [session.inputs[0].name: input], control: RunControl(timeout: timeout))
    var reply: [String: JSONNumbers] = [:]
    for (i, name) in outputs.names.enumerated() {
      if let tensor = outputs[i] { reply[name] = try JSONNumbers(tensor) }
    }
    return reply
  }
}
