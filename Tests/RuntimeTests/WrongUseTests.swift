import DLRun
import Testing

/// Wrong use of the library: an error, and the program lives.
@Suite struct WrongUseTests {
  private func thrown(_ body: () throws -> Void) -> EngineError? {
    do {
      try body()
      return nil
    } catch { return error as? EngineError }
  }

  private func session() throws -> Session { try SlowIdentity.session(count: 1) }

  @Test func optionsThatMeanNothing() throws {
    func code(_ options: SessionOptions) -> EngineError.Code? {
      thrown { _ = try SlowIdentity.session(count: 1, options) }?.code
    }
    #expect(code(.init(threads: 0)) == .usage)
    #expect(code(.init(threads: -1)) == .usage)
    #expect(code(.init(threads: 1, maxMemoryBytes: -1)) == .usage)
    #expect(code(.init(threads: 1, planCacheSize: 0)) == .usage)
    #expect(code(.init(threads: 1, maxMemoryBytes: 0)) == nil)
  }

  @Test func aBudgetOfNothingHoldsNothing() throws {
    let session = try SlowIdentity.session(count: 3, .init(threads: 1, maxMemoryBytes: 0))
    #expect(thrown { _ = try session.run(["x": Tensor([1] as [Float])]) }?.code == .budget)
  }

  @Test func namesThatDoNotExist() throws {
    let session = try session()
    let x = try Tensor([1] as [Float])
    #expect(thrown { _ = try session.run([String: Tensor]()) }?.code == .usage)
    #expect(thrown { _ = try session.run(["x": x, "": x]) }?.code == .usage)
    #expect(thrown { _ = try session.run(["x": x], outputs: [""]) }?.code == .usage)
    #expect(thrown { _ = try session.run(["x": x], outputs: ["z"]) }?.code == .usage)
    let error = thrown { _ = try session.run(["X": x]) }
    #expect(error?.expected == "'x'")
    #expect(try session.run(["x": x])["z"] == nil)
    #expect(try session.run(["x": x])[7] == nil)
    #expect(try session.run(["x": x])[-1] == nil)
  }

  @Test func listsOfTheWrongLength() throws {
    let session = try session()
    let x = Value.tensor(try Tensor([1] as [Float]))
    let t = try Tensor([1] as [Float])
    #expect(thrown { _ = try session.run(ordered: []) }?.code == .usage)
    #expect(thrown { _ = try session.run(ordered: [x, x]) }?.code == .usage)
    #expect(thrown { _ = try session.run(ordered: [nil]) }?.code == .usage)
    #expect(thrown { _ = try session.run(ordered: [x], only: [1]) }?.code == .usage)
    #expect(thrown { _ = try session.run(ordered: [x], only: [-1]) }?.code == .usage)
    #expect(thrown { _ = try session.run(ordered: [x], into: [t, t]) }?.code == .usage)
  }

  @Test func shapesAndElementTypes() throws {
    let session = try session()
    #expect(thrown { _ = try session.run(["x": Tensor(scalar: 1 as Float)]) }?.code == .shape)
    #expect(thrown { _ = try session.run(["x": Tensor([[1, 2]])]) }?.code == .shape)
    #expect(thrown { _ = try session.run(["x": Tensor([1] as [Double])]) }?.code == .dtype)
    #expect(
      thrown { _ = try session.run(["x": Tensor(shape: [1], strings: ["a"])]) }?.code == .dtype)
    #expect(thrown { _ = try session.run(values: ["x": .sequence([])]) }?.code == .dtype)
    let wrong = try Tensor([1, 2] as [Float])
    let x = Value.tensor(try Tensor([1] as [Float]))
    #expect(thrown { _ = try session.run(ordered: [x], into: [wrong]) }?.code == .shape)
    let other = try Tensor([1] as [Int32])
    #expect(thrown { _ = try session.run(ordered: [x], into: [other]) }?.code == .shape)
  }

  @Test func tensorsThatCannotBe() throws {
    #expect(thrown { _ = try Tensor(shape: [2], [1] as [Float]) }?.code == .shape)
    #expect(thrown { _ = try Tensor(shape: [-1, -1], [1] as [Float]) }?.code == .shape)
    #expect(thrown { _ = try Tensor(shape: [.max, 4], [1] as [Float]) }?.code == .shape)
    #expect(thrown { _ = try Tensor(shape: [.max, .max, 0], [Float]()) }?.code == .shape)
    #expect(thrown { _ = try Tensor(shape: [2], strings: []) }?.code == .shape)
    #expect(thrown { _ = try Tensor(shape: [2], sharing: [1] as [Float]) }?.code == .shape)
    #expect(thrown { _ = try Tensor([[1, 2], [3]]) }?.code == .shape)
    let t = try Tensor([1, 2] as [Float])
    #expect(thrown { _ = try t.reshaped([3]) }?.code == .shape)
    #expect(thrown { _ = try t.reshaped([.max, 2]) }?.code == .shape)
    #expect(thrown { _ = try t.values(as: Int64.self) }?.code == .dtype)
    #expect(throws: Never.self) { try Tensor(shape: [0, 4], [Float]()) }
  }

  @Test(
    arguments: [
      [], [0], [0xFF, 0xFF, 0xFF, 0xFF], Array("GIF89a, not a model".utf8),
      [UInt8](repeating: 0x0A, count: 4096), (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 73) },
    ] as [[UInt8]])
  func rubbishIsNoModel(bytes: [UInt8]) throws {
    let error = thrown { _ = try Session(Model(bytes: bytes), options: .init(threads: 1)) }
    #expect(error != nil)
    #expect(error?.code != .internalDefect)
  }

  @Test func filesThatAreNotThere() {
    #expect(thrown { _ = try Model(contentsOf: "") }?.code == .inputMissing)
    #expect(thrown { _ = try Model(contentsOf: "no/such/model.onnx") }?.code == .inputMissing)
    #expect(thrown { _ = try Model(contentsOf: "/") } != nil)
  }

  @Test func aModelOfNothing() throws {
    let session = try Session(Model(Graph()), options: .init(threads: 1))
    #expect(try session.run([String: Tensor]()).count == 0)
    #expect(
      thrown { _ = try session.run(["x": Tensor([1] as [Float])]) }?.code == .usage)
  }
}
