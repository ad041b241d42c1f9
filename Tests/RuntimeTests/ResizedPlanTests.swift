import DLRun
import Operators
import Testing

@testable import Runtime

/// Plans for other sizes are made of the one before, and are those that a session with nothing
/// before makes.
@Suite struct ResizedPlanTests {
  private func weights(_ shape: Shape, _ seed: Int) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.count).map { Float(($0 * 7 + seed * 5) % 19) / 32 - 0.28 })
  }
  private func numbers(_ shape: Shape) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.count).map { Float(($0 * 13) % 29) / 8 - 1.7 })
  }
  private func finished(_ b: GraphBuilder, _ outputs: [ValueID]) -> Model {
    for (k, v) in outputs.enumerated() {
      b.graph.values[v.index].name = "out\(k)"
      b.graph.outputs.append(v)
    }
    var model = Model(b.graph)
    model.opsets = [("", 21)]
    return model
  }

  /// Convolutions of all kinds with a residual, joined, pooled, and flattened by arithmetic on
  /// shapes.
  private func network() throws -> Model {
    let b = GraphBuilder()
    let open = ["n", "h", "w"].map { Dim(symbol: $0) }
    let image = b.graph.addInput("x", Fact(.float32, [open[0], 3, open[1], open[2]]))
    func conv(
      _ x: ValueID, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, group: Int = 1
    ) throws -> ValueID {
      let pads = [kernel / 2, kernel / 2]
      let window = Window(strides: [stride, stride], padsBegin: pads, padsEnd: pads)
      let w = try weights(Shape([outputs, inputs / group, kernel, kernel]), outputs)
      return try b.apply(
        Conv(window: window, group: group),
        inputs: [x, try b.constant(w), try b.constant(weights([outputs], 3))])
    }
    func relu(_ x: ValueID) throws -> ValueID { try b.apply(Relu(), x) }
    let first = try relu(conv(image, 3, 16, kernel: 3, stride: 2))
    let wide = try relu(conv(first, 16, 48, kernel: 1))
    let deep = try relu(conv(wide, 48, 48, kernel: 3, group: 48))
    let narrow = try b.apply(Add(), conv(deep, 48, 16, kernel: 1), first)
    let square = try relu(conv(narrow, 16, 16, kernel: 3))
    let joined = try b.apply(Concat(axis: 1), inputs: [narrow, square])
    let pooled = try b.apply(GlobalAveragePool(), joined)
    let count = try b.apply(
      Gather(), inputs: [try b.apply(ShapeOp(), pooled), try b.constant(Tensor([Int64(0)]))])
    let sizes = try b.apply(Concat(axis: 0), inputs: [count, try b.constant(Tensor([Int64(-1)]))])
    let flat = try b.apply(Reshape(), inputs: [pooled, sizes])
    let scores = try b.apply(
      Gemm(), inputs: [flat, try b.constant(weights([32, 5], 2)), try b.constant(weights([5], 1))])
    return finished(b, [scores, joined])
  }

  /// Attention of one token over keys and values that grow, and its mask's length.
  private func decoder() throws -> Model {
    let b = GraphBuilder()
    let x = b.graph.addInput("x", Fact(.float32, [1, 1, 8]))
    let past = b.graph.addInput("past", Fact(.float32, [1, 2, Dim(symbol: "past"), 4]))
    let product = try b.apply(MatMul(), inputs: [x, try b.constant(weights([8, 8], 4))])
    let split = try b.constant(Tensor([Int64(1), 1, 2, 4]))
    let heads = try b.apply(
      Transpose(perm: [0, 2, 1, 3]), b.apply(Reshape(), inputs: [product, split]))
    let keys = try b.apply(Concat(axis: 2), inputs: [past, heads])
    let scores = try b.apply(
      MatMul(), inputs: [heads, try b.apply(Transpose(perm: [0, 1, 3, 2]), keys)])
    let mixed = try b.apply(MatMul(), inputs: [try b.apply(Softmax(), scores), keys])
    let back = try b.apply(Transpose(perm: [0, 2, 1, 3]), mixed)
    let y = try b.apply(Reshape(), inputs: [back, try b.constant(Tensor([Int64(1), 1, 8]))])
    return finished(b, [y, keys, try b.apply(ShapeOp(), keys)])
  }

  private func check(
    _ model: Model, _ inputs: [[String: Tensor]], level: OptimizationLevel, threads: Int
  ) throws {
    let options = SessionOptions(threads: threads, optimization: level, planCacheSize: 2)
    let session = try Session(model, options: options)
    for (k, values) in inputs.enumerated() {
      let examples = session.inputs.map { values[$0.name].map { Value.tensor($0) } }
      if k > 0 {
        let draft = session.program.draft.withLock { $0 }
        let again = try draft?.resized(
          session.program, examples, [], session.program.graph.outputs)
        #expect(again != nil, "\(values.mapValues(\.type)) planned from the start")
      }
      let fresh = try Session(model, options: options)
      let got = try session.run(values)
      let want = try fresh.run(values)
      for i in 0..<want.count {
        let (a, b) = (try #require(got[i]), try #require(want[i]))
        #expect(a.type == b.type)
        #expect(a.rawBytes.elementsEqual(b.rawBytes), "output \(i) of \(values.mapValues(\.type))")
      }
      #expect(try session.plan(examples).arenaBytes == fresh.plan(examples).arenaBytes)
    }
  }

  @Test(arguments: [1, 2]) func imagesOfManySizes(threads: Int) throws {
    let sizes = [(1, 24, 20), (2, 24, 20), (1, 9, 31), (1, 40, 57), (1, 24, 20), (3, 5, 6)]
    let images = try sizes.map { ["x": try numbers([$0.0, 3, $0.1, $0.2])] }
    for level in [OptimizationLevel.none, .basic, .all] {
      try check(try network(), images, level: level, threads: threads)
    }
  }

  @Test func aCacheThatGrows() throws {
    let token = try numbers([1, 1, 8])
    let steps = try (1..<9).map { ["x": token, "past": try numbers([1, 2, $0 * $0, 4])] }
    for level in [OptimizationLevel.none, .all] {
      try check(try decoder(), steps, level: level, threads: 1)
    }
  }

  @Test func plansOfManySizesAreKept() throws {
    let model = try decoder()
    let token = try numbers([1, 1, 8])
    func plans(_ session: Session) throws -> [Plan] {
      try (1...20).map { past in
        let values = ["x": token, "past": try numbers([1, 2, past, 4])]
        return try session.plan(session.inputs.map { values[$0.name].map { Value.tensor($0) } })
      }
    }
    let many = try Session(model, options: .init(threads: 1))
    #expect(zip(try plans(many), try plans(many)).allSatisfy { $0 === $1 })
    let few = try Session(model, options: .init(threads: 1, planCacheSize: 4))
    #expect(zip(try plans(few), try plans(few)).allSatisfy { $0 !== $1 })
  }

  @Test func inputsThatDoNotFitAreReportedWithTheirNode() throws {
    let b = GraphBuilder()
    let sizes = ["a", "b"].map { Dim(symbol: $0) }
    let x = b.graph.addInput("x", Fact(.float32, [sizes[0]]))
    let y = b.graph.addInput("y", Fact(.float32, [sizes[1]]))
    let session = try Session(finished(b, [try b.apply(Add(), x, y)]), options: .init(threads: 1))
    for n in [3, 4] {
      let sum = try session.run(["x": numbers([n]), "y": numbers([n])])
      #expect(sum[0]?.shape == [n])
    }
    let error = #expect(throws: EngineError.self) {
      try session.run(["x": numbers([3]), "y": numbers([4])])
    }
    #expect(error?.code == .shape)
    #expect(error?.subject.operatorName == "Add")
  }
}
