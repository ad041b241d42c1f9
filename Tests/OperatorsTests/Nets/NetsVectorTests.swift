import Foundation
import Testing

/// Reductions, pooling, normalisation, recurrent and contraction operators on reference vectors.
@Suite struct NetsVectorTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Vectors")

  @Test func committedVectors() throws {
    var count = 0
    for file in try FileManager.default.contentsOfDirectory(
      at: Self.folder, includingPropertiesForKeys: nil)
    where file.pathExtension == "txt" && file.lastPathComponent.hasPrefix("nets-") {
      for c in try VectorCase.load(file.path) {
        count += 1
        if let failure = c.failure() { Issue.record("\(c.name): \(failure)") }
      }
    }
    #expect(count > 100)
  }

  /// More vectors than the repository holds, in the file that DLRUN_VECTORS names.
  @Test func vectorsFromEnvironment() throws {
    guard let path = ProcessInfo.processInfo.environment["DLRUN_VECTORS"] else { return }
    for c in try VectorCase.load(path) {
      if let failure = c.failure() { Issue.record("\(c.name) (\(c.type)): \(failure)") }
    }
  }
}
