import DataSets
import Layers
import Tensors
import Testing

@Suite struct DataLoaderTests {
  static func data(_ n: Int) throws -> ArrayData {
    try ArrayData(
      [Tensor(shape: [n, 2], (0..<2 * n).map { Float($0) })], [Tensor((0..<n).map { Int64($0) })])
  }

  /// The samples of an epoch in the order given.
  static func epoch(_ loader: DataLoader) throws -> [Int64] {
    try loader.begin()
    var list: [Int64] = []
    while let batch = try loader.next() {
      #expect(batch.inputs[0].shape[0] == batch.targets[0].shape[0])
      list += Array(batch.targets[0].elements(Int64.self))
    }
    return list
  }

  @Test(arguments: [0, 1, 3]) func everySampleOnce(prefetch: Int) throws {
    let loader = try DataLoader(Self.data(23), batchSize: 4, seed: 7, prefetch: prefetch)
    let first = try Self.epoch(loader)
    let second = try Self.epoch(loader)
    #expect(first.sorted() == (0..<23).map { Int64($0) })
    #expect(second.sorted() == first.sorted())
    #expect(first != second)
    #expect(loader.batchCount == 6)
  }

  @Test func orderDependsOnTheSeedAlone() throws {
    let a = try DataLoader(Self.data(50), batchSize: 8, seed: 3, prefetch: 2)
    let b = try DataLoader(Self.data(50), batchSize: 8, seed: 3, prefetch: 0)
    let c = try DataLoader(Self.data(50), batchSize: 8, seed: 4, prefetch: 0)
    let first = try Self.epoch(a)
    #expect(try first == Self.epoch(b))
    #expect(try first != Self.epoch(c))
  }

  @Test func goesOnInMidEpoch() throws {
    let whole = try DataLoader(Self.data(40), batchSize: 8, seed: 5)
    let expected = try Self.epoch(whole) + Self.epoch(whole)
    let first = try DataLoader(Self.data(40), batchSize: 8, seed: 5)
    var got = try Self.epoch(first)
    try first.begin()
    for _ in 0..<2 {
      let batch = try #require(try first.next())
      got += Array(batch.targets[0].elements(Int64.self))
    }
    let place = try #require(DataLoader.Position(first.position.text))
    let second = try DataLoader(Self.data(40), batchSize: 8, seed: 5)
    second.resume(at: place)
    got += try Self.epoch(second)
    #expect(got == expected)
  }

  @Test func leavesOutTheRest() throws {
    let loader = try DataLoader(Self.data(10), batchSize: 4, shuffle: false, dropsRest: true)
    #expect(try Self.epoch(loader) == [0, 1, 2, 3, 4, 5, 6, 7])
  }

  @Test func errorsOfTheOtherThreadArrive() throws {
    let broken = try Self.data(20).map { batch in
      if batch.targets[0].elements(Int64.self).contains(9) {
        throw EngineError(.io, "a broken sample")
      }
      return batch
    }
    let loader = try DataLoader(broken, batchSize: 4, shuffle: false, prefetch: 2)
    #expect(throws: EngineError.self) { try Self.epoch(loader) }
  }

  @Test func breakingOffEndsTheThread() throws {
    let loader = try DataLoader(Self.data(400), batchSize: 1, prefetch: 2)
    try loader.begin()
    _ = try loader.next()
    try loader.begin()
    #expect(try loader.next() != nil)
  }

  @Test func splitsKeepClasses() throws {
    let classes = (0..<90).map { $0 % 3 }
    let (first, second) = try Self.data(90).split(0.2, seed: 1, classes: classes)
    #expect((first.count, second.count) == (72, 18))
    for c in 0..<3 { #expect(second.samples.count { classes[$0] == c } == 6) }
    #expect(Set(first.samples).isDisjoint(with: second.samples))
    #expect(throws: EngineError.self) { try Self.data(2).split(0.01) }
  }

  @Test func cachesWhatItRead() throws {
    let base = try Self.data(12)
    let cached = base.cached()
    for samples in [[1, 2, 3], [3, 1, 7], [7, 7, 0]] {
      let (a, b) = (try base.batch(samples), try cached.batch(samples))
      #expect(Array(a.inputs[0].elements(Float.self)) == Array(b.inputs[0].elements(Float.self)))
      #expect(
        Array(a.targets[0].elements(Int64.self)) == Array(b.targets[0].elements(Int64.self)))
    }
    #expect(throws: EngineError.self) { try cached.batch([12]) }
  }

  @Test func wrongRequests() throws {
    #expect(throws: EngineError.self) { try DataLoader(Self.data(3), batchSize: 0) }
    #expect(throws: EngineError.self) {
      try ArrayData([Tensor([1, 2] as [Float])], [Tensor([1] as [Float])])
    }
    #expect(throws: EngineError.self) { try Self.data(3).batch([3]) }
    #expect(DataLoader.Position("1:x") == nil)
    #expect(DataLoader.Position("-1:0") == nil)
  }
}
