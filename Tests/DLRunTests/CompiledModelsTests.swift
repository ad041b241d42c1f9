import DLRun
import Glibc
import Testing

/// The code of the manual's page CompiledModels.
@Suite struct CompiledModelsTests {
  @Test func compiling() throws {
    let path = Iris.path
    let output = "/tmp/dlrun-manual-\(getpid()).dlc"
    defer { unlink(output) }

    try Model.compile(contentsOf: path, to: output)
    let session = try Session(Model(contentsOf: output))

    let features = ["features": try Tensor([[5.1, 3.5, 1.4, 0.2]])]
    let (a, b) = (try session.run(features), try Iris.session().run(features))
    let (mine, plain) = (try #require(a["probabilities"]), try #require(b["probabilities"]))
    #expect(mine.rawBytes.elementsEqual(plain.rawBytes))
  }
}
