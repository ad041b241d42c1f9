import DLRun
import Formats
import Glibc
import Kernels
import Operators
import TestSupport
import Testing

/// Models compiled to a file: the same results, from weights that nobody packs again.
@Suite struct CompiledModelTests {
  /// A folder with `model.onnx`, removed afterwards.
  private func inFolder(_ model: Model, _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/dlrun-compiled-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder =
      String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/"
    defer {
      for name in ["model.onnx", "model.dlc", "other.dlc"] { unlink(folder + name) }
      rmdir(folder)
    }
    try ONNXWriter.write(model, to: folder + "model.onnx")
    try body(folder)
  }

  private func ramp(_ shape: Shape, scale: Float = 1, seed: Int = 0) throws -> Tensor {
    try Tensor(
      shape: shape,
      (0..<shape.count).map { Float((($0 + seed) * 7919) % 1009) / 504.5 * scale - scale })
  }

  private func model(
    _ inputs: [(Shape, [String])], dtype: DType = .float32,
    _ build: (GraphBuilder, [ValueID]) throws -> ValueID
  ) throws -> Model {
    let b = GraphBuilder()
    var ids: [ValueID] = []
    for (i, (shape, names)) in inputs.enumerated() {
      let dims = shape.array.enumerated().map { axis, n in
        axis < names.count && !names[axis].isEmpty ? Dim(symbol: names[axis]) : Dim(n)
      }
      ids.append(b.graph.addInput("x\(i)", Fact(dtype, dims)))
    }
    let y = try build(b, ids)
    b.graph.values[y.index].name = "y"
    b.graph.values[y.index].isDeclared = true
    b.graph.outputs = [y]
    var model = Model(b.graph)
    model.opsets = [("", 21)]
    return model
  }

  private func conv(
    _ b: GraphBuilder, _ x: ValueID, _ from: Int, _ to: Int, _ k: Int, group: Int = 1
  ) throws -> ValueID {
    let p = k / 2
    let w = try b.constant(ramp([to, from / group, k, k], scale: 0.25, seed: to + k))
    let window = Window(padsBegin: [p, p], padsEnd: [p, p])
    return try b.apply(
      Conv(window: window, group: group), x, w, try b.constant(ramp([to], seed: 3)))
  }

  /// Images of open size: direct sums, Winograd, depthwise, and a product at the end.
  private func images() throws -> Model {
    try model([([1, 3, 20, 20], ["n", "", "h", "w"])]) { b, x in
      let first = try b.apply(Relu(), try conv(b, x[0], 3, 32, 3))
      let second = try b.apply(Relu(), try conv(b, first, 32, 32, 3))
      let deep = try b.apply(Relu(), try conv(b, second, 32, 32, 3, group: 32))
      let third = try b.apply(Add(), try conv(b, deep, 32, 32, 1), second)
      let mean = try b.apply(Flatten(axis: 1), try b.apply(GlobalAveragePool(), third))
      return try b.apply(Gemm(), mean, try b.constant(ramp([32, 10])), try b.constant(ramp([10])))
    }
  }
  private func layers(_ dtype: DType = .float32) throws -> Model {
    try model([([4, 64], ["batch"])], dtype: dtype) { b, x in
      func weights(_ shape: Shape, _ seed: Int) throws -> ValueID {
        let t = try ramp(shape, scale: 0.1, seed: seed)
        if dtype == .float32 { return try b.constant(t) }
        return try b.constant(
          Tensor(shape: shape, t.elements(Float.self).map { Float16($0) }))
      }
      var h = x[0]
      for i in 0..<3 {
        h = try b.apply(MatMul(), h, try weights([64, 64], i))
        h = try b.apply(Add(), h, try weights([64], i + 7))
        h = try b.apply(Gelu(), h)
      }
      return h
    }
  }

  private func run(_ session: Session, _ shape: Shape, _ dtype: DType = .float32) throws -> Tensor {
    let x = try ramp(shape, seed: 11)
    let half = try Tensor(shape: shape, x.elements(Float.self).map { Float16($0) })
    return try #require(session.run(["x0": dtype == .float32 ? x : half])["y"])
  }

  @Test func imagesHaveTheSameBitsAndNothingIsPacked() throws {
    try inFolder(images()) { folder in
      try Model.compile(
        contentsOf: folder + "model.onnx", to: folder + "model.dlc",
        shapes: ["x0": [1, 3, 20, 20]])
      for threads in [1, 2] {
        let plain = try Session(
          Model(contentsOf: folder + "model.onnx"), options: .init(threads: threads))
        let compiled = try Session(
          Model(contentsOf: folder + "model.dlc"), options: .init(threads: threads))
        let (a, b) = (try run(plain, [1, 3, 20, 20]), try run(compiled, [1, 3, 20, 20]))
        #expect(haveSameBits(.tensor(a), .tensor(b)))
        #expect(compiled.packedHere == 0)
        #expect(plain.packedHere > 0)
        #expect(compiled.inputs.map(\.type.text) == plain.inputs.map(\.type.text))
        #expect(compiled.compiledGraph.nodes.map(\.type) == plain.compiledGraph.nodes.map(\.type))
        // Other sizes want other kernels.
        for shape: Shape in [[2, 3, 7, 9], [1, 3, 40, 40]] {
          let (a, b) = (try run(plain, shape), try run(compiled, shape))
          #expect(haveSameBits(.tensor(a), .tensor(b)), "\(shape)")
        }
      }
    }
  }

  @Test(arguments: [DType.float32, .float16]) func layersHaveTheSameBits(_ dtype: DType) throws {
    try inFolder(layers(dtype)) { folder in
      try Model.compile(contentsOf: folder + "model.onnx", to: folder + "model.dlc")
      let plain = try Session(Model(contentsOf: folder + "model.onnx"), options: .init(threads: 1))
      let compiled = try Session(
        Model(contentsOf: folder + "model.dlc"), options: .init(threads: 1))
      for rows in [1, 4, 33] {
        let (a, b) = (try run(plain, [rows, 64], dtype), try run(compiled, [rows, 64], dtype))
        #expect(haveSameBits(.tensor(a), .tensor(b)), "\(rows) rows")
      }
      #expect(compiled.packedHere == 0)
    }
  }

  @Test func compilingTwiceGivesTheSameBytes() throws {
    try inFolder(images()) { folder in
      for name in ["model.dlc", "other.dlc"] {
        try Model.compile(contentsOf: folder + "model.onnx", to: folder + name)
      }
      let (a, b) = (try InputFile(folder + "model.dlc"), try InputFile(folder + "other.dlc"))
      #expect(a.contents == b.contents)
      #expect(
        throws: EngineError.self,
        performing: {
          try Model.compile(contentsOf: folder + "model.dlc", to: folder + "other.dlc")
        })
    }
  }

  @Test func sessionsOfOneFileShareWhatItHolds() throws {
    try inFolder(layers()) { folder in
      try Model.compile(contentsOf: folder + "model.onnx", to: folder + "model.dlc")
      let first = try Session(Model(contentsOf: folder + "model.dlc"), options: .init(threads: 1))
      let second = try Session(Model(contentsOf: folder + "model.dlc"), options: .init(threads: 1))
      _ = try run(first, [4, 64])
      _ = try run(second, [4, 64])
      let (a, b) = (first.compiledGraph.initializers, second.compiledGraph.initializers)
      #expect(zip(a, b).allSatisfy { $0.tensor.storage === $1.tensor.storage })
      #expect(first.packedHere == 0)
    }
  }

  @Test func bodiesOfLoopsAndConditionsRun() throws {
    func branch(_ type: String) -> Graph {
      var branch = Graph()
      let inner = branch.addValue("inner", Fact(.float32, nil))
      branch.captures = [inner]
      let sum = branch.addValue("sum", Fact(nil, nil))
      branch.nodes = [.init(type: type, inputs: [inner, inner], outputs: [sum])]
      branch.outputs = [sum]
      return branch
    }
    var g = Graph()
    let x = g.addInput("x0", Fact(.float32, [Dim(symbol: "n")]))
    let (total, zero) = (
      g.addValue("total", Fact(nil, nil)), g.addInitializer("zero", try Tensor(scalar: 0 as Float))
    )
    let (isLarge, y) = (g.addValue("large", Fact(nil, nil)), g.addValue("y", Fact(nil, nil)))
    var condition = Graph.Node(
      type: "If",
      attributes: [
        .graph("then_branch", branch("Add")), .graph("else_branch", branch("Mul")),
      ],
      inputs: [isLarge], outputs: [y])
    condition.captured = [x, x]
    g.nodes = [
      .init(
        type: "ReduceSum", attributes: [Attribute("keepdims", .int(0))], inputs: [x],
        outputs: [total]),
      .init(type: "Greater", inputs: [total, zero], outputs: [isLarge]), condition,
    ]
    g.outputs = [y]
    var model = Model(g)
    model.opsets = [("", 21)]
    try inFolder(model) { folder in
      try Model.compile(contentsOf: folder + "model.onnx", to: folder + "model.dlc")
      let session = try Session(Model(contentsOf: folder + "model.dlc"))
      let up = try session.run(["x0": Tensor([1, 2, 3] as [Float])])["y"]
      let down = try session.run(["x0": Tensor([-1, -2] as [Float])])["y"]
      #expect(up.map { Array($0.elements(Float.self)) } == [2, 4, 6])
      #expect(down.map { Array($0.elements(Float.self)) } == [1, 4])
    }
  }

  private func refusal(_ body: () throws -> Void) -> EngineError? {
    do {
      try body()
      return nil
    } catch { return error as? EngineError }
  }

  @Test func isRefusedWhereItDoesNotFit() throws {
    try inFolder(layers()) { folder in
      try Model.compile(contentsOf: folder + "model.onnx", to: folder + "model.dlc")
      let model = try Model(contentsOf: folder + "model.dlc")
      func change(_ change: (inout CompiledParts) -> Void) throws -> Model {
        var other = model
        var parts = try #require(model.compiled)
        change(&parts)
        other.compiled = parts
        return other
      }
      let foreign = try change { $0.instructionSet = "neon" }
      let set = refusal { _ = try Session(foreign) }
      #expect(set?.code == .unsupported && set?.received == "neon")
      #expect(set?.expected == "\(InstructionSet.current)")
      let old = try change { $0.packingVersion += 1 }
      let version = refusal { _ = try Session(old) }
      #expect(version?.code == .unsupported && version?.message.contains("version") == true)
      for options in [
        SessionOptions(exact: true), .init(optimization: .basic), .init(checksNaN: true),
      ] {
        #expect(refusal { _ = try Session(model, options: options) }?.code == .usage)
      }
      // Exact holds for all sessions, and basic satisfies who allows all.
      try Model.compile(
        contentsOf: folder + "model.onnx", to: folder + "other.dlc",
        options: .init(optimization: .basic, exact: true))
      let exact = try Model(contentsOf: folder + "other.dlc")
      _ = try Session(exact, options: .init(exact: true))
      _ = try Session(exact, options: .init(checksNaN: true))
      _ = try Session(exact)
    }
  }

  @Test func isRefusedWhenItsModelHasChanged() throws {
    try inFolder(layers()) { folder in
      let (model, compiled) = (folder + "model.onnx", folder + "model.dlc")
      try Model.compile(contentsOf: model, to: compiled)
      // A file that was only written again is the same model.
      let bytes = try InputFile(model).contents
      try ONNXWriter.write(try Model(contentsOf: model), to: model)
      #expect(try InputFile(model).contents == bytes)
      _ = try Model(contentsOf: compiled)
      // Another model of the same size.
      var other = bytes
      other[other.count / 2] ^= 1
      let file = try AtomicFile(model)
      try file.write(other)
      try file.commit()
      let changed = refusal { _ = try Model(contentsOf: compiled) }
      #expect(changed?.code == .invalidModel && changed?.message.contains("changed") == true)
      // Of another size, and then none at all.
      try ONNXWriter.write(try images(), to: model)
      #expect(refusal { _ = try Model(contentsOf: compiled) }?.code == .invalidModel)
      unlink(model)
      _ = try Session(Model(contentsOf: compiled))
    }
  }

  /// Whatever the graph of a compiled model is changed to, loading and running it throws or works.
  @Test func damagedGraphsDoNotTrap() throws {
    let small = try model([([2, 4], ["n"])]) { b, x in
      let h = try b.apply(MatMul(), x[0], try b.constant(ramp([4, 16])))
      return try b.apply(Relu(), h)
    }
    try inFolder(small) { folder in
      try Model.compile(contentsOf: folder + "model.onnx", to: folder + "model.dlc")
      unlink(folder + "model.onnx")
      let bytes = try InputFile(folder + "model.dlc").contents
      func number(_ at: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
      let (graph, manifest) = (number(40)..<number(40) + number(48), number(56)..<bytes.count)
      for place in Array(graph) + Array(manifest) {
        for bit: UInt8 in [0, 1, 3, 6] {
          var copy = bytes
          copy[place] ^= 1 << bit
          var text = SHA256()
          text.update(Array(copy[graph]))
          text.update(Array(copy[manifest]))
          copy.replaceSubrange(72..<104, with: text.finish())
          var head = SHA256()
          head.update(Array(copy[..<224]))
          copy.replaceSubrange(224..<256, with: head.finish())
          do {
            let session = try Session(
              Model(bytes: copy), options: .init(threads: 1, maxMemoryBytes: 64 << 20))
            _ = try session.run(["x0": ramp([2, 4])])
          } catch { #expect(error is EngineError) }
        }
      }
    }
  }
}
