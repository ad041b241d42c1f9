import DLRun
import Testing

/// The code of the manual's page MemoryWithoutCopies.
@Suite struct MemoryWithoutCopiesTests {
  @Test func bindings() throws {
    let session = try Iris.session()

    let features: [Float] = [5.1, 3.5, 1.4, 0.2]
    var probabilities = [Float](repeating: 0, count: 3)

    var binding = Session.Binding(session)
    try binding.input("features", features.span)
    try binding.output("probabilities", into: probabilities.mutableSpan)
    let rest = try binding.run()

    #expect(probabilities[0] > 0.999)
    #expect(try rest["label"]?.values(as: Int64.self) == [0])
  }

  @Test func buffers() throws {
    let session = try Iris.session()
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 8)
    defer { memory.deallocate() }
    _ = memory.initialize(from: [5.1, 3.5, 1.4, 0.2, 6.7, 3.0, 5.2, 2.3])
    let rows = UnsafeBufferPointer(memory)
    var labels = [Int64](repeating: -1, count: 2)

    var binding = Session.Binding(session)
    try binding.input("features", rows.span, shape: [2, 4])
    try binding.output("label", into: labels.mutableSpan)
    try binding.run()

    #expect(labels == [0, 2])
  }

  @Test func shared() async throws {
    let session = try Iris.session()
    let numbers: [Float] = [5.1, 3.5, 1.4, 0.2]

    let features = try Tensor(shape: [1, 4], sharing: numbers)
    let outputs = try await session.run(["features": features])

    #expect(outputs["label"]?.elements(Int64.self)[0] == 0)
  }

  @Test func readingInPlace() throws {
    let session = try Iris.session()
    let outputs = try session.run(["features": Tensor([[5.1, 3.5, 1.4, 0.2]])])
    let probabilities = try #require(outputs["probabilities"])

    let sum = probabilities.elements(Float.self).reduce(0, +)
    let bytes = probabilities.withUnsafeBytes { Array($0) }

    #expect(abs(sum - 1) < 1e-5)
    #expect(bytes.count == 12)
  }

  @Test func recycledOutputs() throws {
    let session = try Iris.session()
    let batches = try [Tensor([[5.1, 3.5, 1.4, 0.2]]), Tensor([[6.7, 3.0, 5.2, 2.3]])]
    var seen: [Int64] = []

    let label = try Tensor([0] as [Int64])
    for batch in batches {
      _ = try session.run(ordered: [.tensor(batch)], into: [label], only: [1])
      seen.append(label.elements(Int64.self)[0])
    }

    #expect(seen == [0, 2])
  }
}
