import DLRun
import Testing

/// The small model that the manual's examples run.
enum Iris {
  static let path: String = {
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/") + "/Models/iris.pb"
  }()

  static func session(_ options: SessionOptions = .init(threads: 1)) throws -> Session {
    try Session(Model(contentsOf: path), options: options)
  }
}

/// The code of an `EngineError` that `body` throws.
func code(_ body: () async throws -> Void) async -> EngineError.Code? {
  do {
    try await body()
    return nil
  } catch { return (error as? EngineError)?.code }
}
