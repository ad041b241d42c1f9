import DLRun
import Testing

@Suite struct SessionBindingTests {
  private func thrown(_ body: () throws -> Void) -> EngineError? {
    do {
      try body()
      return nil
    } catch { return error as? EngineError }
  }

  private func address<T>(_ p: UnsafePointer<T>?) -> Int64 { Int64(Int(bitPattern: p)) }

  /// `y = x + 1` with `x` of `dims`, and `z = y` under the shape [-1].
  private func model(_ dims: [Dim], _ dtype: DType = .float32) throws -> Model {
    var g = Graph()
    let x = g.addInput("x", Fact(dtype, dims))
    let one = g.addInitializer(
      "one", dtype == .float32 ? try Tensor([1] as [Float]) : try Tensor([1] as [Int64]))
    let all = g.addInitializer("all", try Tensor([-1] as [Int64]))
    let y = g.addValue("y", Fact(dtype, dims))
    let z = g.addValue("z", Fact(dtype, nil))
    g.nodes = [
      .init(type: "Add", inputs: [x, one], outputs: [y]),
      .init(type: "Reshape", inputs: [y, all], outputs: [z]),
    ]
    g.outputs = [y, z]
    var model = Model(g)
    model.opsets = [("", 17)]
    return model
  }

  @Test func readsAndWritesTheCallersMemory() throws {
    let session = try AddressProbe.session()
    let x: [Float] = [1, 2, 3]
    var y: [Int64] = [0, 0]
    // Asked for writing: the literal's own memory may be read-only and is copied first.
    let place = y.withUnsafeMutableBufferPointer { address(UnsafePointer($0.baseAddress)) }
    var binding = Session.Binding(session)
    try binding.input("x", x.span)
    try binding.output("y", into: y.mutableSpan)
    let rest = try binding.run()
    #expect(rest.count == 0)
    #expect(y[0] == x.withUnsafeBufferPointer { address($0.baseAddress) })
    #expect(y[1] == place)
  }

  @Test func readsAndWritesUnsafeBuffers() throws {
    let session = try AddressProbe.session()
    let x = UnsafeMutableBufferPointer<Float>.allocate(capacity: 5)
    let y = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 2)
    defer {
      x.deallocate()
      y.deallocate()
    }
    x.initialize(repeating: 1)
    y.initialize(repeating: 0)
    // Off by one element: any address will do.
    let part = UnsafeBufferPointer(rebasing: x[1...])
    var binding = Session.Binding(session)
    try binding.input("x", part.span)
    try binding.output("y", into: y.mutableSpan)
    try binding.run()
    #expect(y[0] == address(part.baseAddress))
    #expect(y[1] == Int64(Int(bitPattern: y.baseAddress)))
  }

  @Test func takesInlineArraysAndBytes() throws {
    let session = try Session(model([2]), options: .init(threads: 1))
    let x: [2 of Float] = [1, 2]
    var y: [2 of Float] = [0, 0]
    var binding = Session.Binding(session)
    try binding.input("x", bytes: x.span.bytes, type: TensorType(.float32, [2]))
    try binding.output("y", into: y.mutableSpan)
    let rest = try binding.run()
    #expect(y[0] == 2 && y[1] == 3)
    #expect(rest.names == ["z"])
    #expect(try rest["z"]?.values(as: Float.self) == [2, 3])
  }

  /// What a run returns must not change with memory that was only lent.
  @Test func resultsDoNotPointIntoLentMemory() throws {
    let session = try Session(model([2]), options: .init(threads: 1))
    let x: [Float] = [1, 2]
    var y: [Float] = [0, 0]
    var binding = Session.Binding(session)
    try binding.input("x", x.span)
    try binding.output("y", into: y.mutableSpan)
    let rest = try binding.run()
    y = [7, 7]
    #expect(try rest["z"]?.values(as: Float.self) == [2, 3])
  }

  @Test func containersDoNotPointIntoLentMemory() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [2]))
    let s = g.addValue("s", Fact(.sequence(.tensor(.float32, nil))))
    let o = g.addValue("o", Fact(.optional(.sequence(.tensor(.float32, nil)))))
    g.nodes = [
      .init(type: "SequenceConstruct", inputs: [x, x], outputs: [s]),
      .init(type: "Optional", inputs: [s], outputs: [o]),
    ]
    g.outputs = [s, o]
    var model = Model(g)
    model.opsets = [("", 17)]
    let session = try Session(model, options: .init(threads: 1))
    var x0: [Float] = [1, 2]
    let results: Outputs
    do {
      var binding = Session.Binding(session)
      let lent = x0.mutableSpan
      try binding.input("x", lent.span)
      results = try binding.run()
    }
    x0[0] = 9
    guard case .sequence(let list)? = results.values[0], case .tensor(let first)? = list.first,
      case .optional(.sequence(let inner)?)? = results.values[1],
      case .tensor(let second)? = inner.last
    else {
      Issue.record("no sequence")
      return
    }
    #expect(try first.values(as: Float.self) == [1, 2])
    #expect(try second.values(as: Float.self) == [1, 2])
  }

  @Test func openSizesFollowFromTheCount() throws {
    let session = try Session(
      model([Dim(symbol: "batch"), 2]), options: .init(threads: 1))
    let x: [Float] = [1, 2, 3, 4]
    var y = [Float](repeating: 0, count: 4)
    var binding = Session.Binding(session)
    try binding.input("x", x.span)
    try binding.output("y", into: y.mutableSpan)
    try binding.run()
    #expect(y == [2, 3, 4, 5])
  }

  @Test func severalOpenSizesMustBeSaid() throws {
    let session = try Session(
      model([Dim(symbol: "a"), Dim(symbol: "b")]), options: .init(threads: 1))
    let x: [Float] = [1, 2]
    #expect(
      thrown {
        var binding = Session.Binding(session)
        try binding.input("x", x.span)
      }?.code == .usage)
    var binding = Session.Binding(session)
    try binding.input("x", x.span, shape: [2, 1])
    #expect(try binding.run()["y"]?.shape == [2, 1])
  }

  @Test func wrongTypesThrow() throws {
    let session = try Session(model([Dim(symbol: "n"), 2]), options: .init(threads: 1))
    let x: [Float] = [1, 2]
    let integers: [Int64] = [1, 2]
    #expect(
      thrown {
        var b = Session.Binding(session)
        try b.input("x", integers.span)
      }?.code == .dtype)
    #expect(
      thrown {
        var b = Session.Binding(session)
        try b.input("q", x.span)
      }?.code == .usage)
    #expect(
      thrown {
        var b = Session.Binding(session)
        try b.input("x", x.span, shape: [3, 1])
      }?.code == .shape)
    #expect(
      thrown {
        var b = Session.Binding(session)
        try b.input("x", x.span, shape: [2, 1])
      }?.code == .shape)
    #expect(
      thrown {
        var b = Session.Binding(session)
        try b.input("x", x.span, shape: [Int.max, 4])
      }?.code == .shape)
    let three: [Float] = [1, 2, 3]
    #expect(
      thrown {
        var b = Session.Binding(session)
        try b.input("x", three.span)
      }?.code == .shape)
    #expect(
      thrown {
        var b = Session.Binding(session)
        try b.input("x", bytes: x.span.bytes, type: TensorType(.float32, [2, 2]))
      }?.code == .shape)
    #expect(
      thrown {
        var b = Session.Binding(session)
        try b.input("x", .sequence([]))
      }?.code == .dtype)
    #expect(
      thrown {
        var y: [Int64] = [0, 0]
        var b = Session.Binding(session)
        try b.output("y", into: y.mutableSpan)
      }?.code == .dtype)
    #expect(
      thrown {
        var y: [Float] = [0, 0]
        var b = Session.Binding(session)
        try b.output("no", into: y.mutableSpan)
      }?.code == .usage)
    #expect(
      thrown {
        let b = Session.Binding(session)
        try b.run()
      }?.code == .usage)
  }

  @Test func anOutputOfAnotherSizeThrows() throws {
    let session = try Session(model([Dim(symbol: "n"), 2]), options: .init(threads: 1))
    let x: [Float] = [1, 2]
    var y = [Float](repeating: 0, count: 4)
    let error = thrown {
      var binding = Session.Binding(session)
      try binding.input("x", x.span)
      try binding.output("y", into: y.mutableSpan)
      try binding.run()
    }
    #expect(error?.code == .shape)
    #expect(error?.expected?.contains("[2, 2]") == true)
  }

  /// A filled tensor of a size that the run reads, and its sum with an input.
  @Test func sizesReadInTheRunFillTheCallersMemory() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "n")]))
    let shape = g.addInput("shape", Fact(.int64, [1]))
    let y = g.addValue("y", Fact(.float32, nil))
    let z = g.addValue("z", Fact(.float32, nil))
    g.nodes = [
      .init(
        type: "ConstantOfShape",
        attributes: [.tensor("value", try Tensor([2.5] as [Float]))], inputs: [shape],
        outputs: [y]),
      .init(type: "Add", inputs: [x, y], outputs: [z]),
    ]
    g.outputs = [y, z]
    var model = Model(g)
    model.opsets = [("", 17)]
    let session = try Session(model, options: .init(threads: 1))
    let sizes: [Int64] = [3]
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 6)
    defer { memory.deallocate() }
    // Beside the input, and over it: then the input is still read as it was.
    for first in [3, 0, 1] {
      for _ in 0..<2 {
        for i in 0..<6 { memory[i] = Float(i + 1) }
        let x = UnsafeBufferPointer(rebasing: memory[0..<3])
        let y = UnsafeMutableBufferPointer(rebasing: memory[first..<first + 3])
        var binding = Session.Binding(session)
        try binding.input("x", x.span)
        try binding.input("shape", sizes.span)
        try binding.output("y", into: y.mutableSpan, shape: [3])
        let rest = try binding.run()
        #expect(try rest["z"]?.values(as: Float.self) == [3.5, 4.5, 5.5])
        for i in 0..<3 { #expect(memory[first + i] == 2.5) }
      }
    }
  }
}
