import Formats
import Graphs
import Tensors
import TestSupport
import Testing
import Training

/// Models read from files: their gradients, freezing, replacing, batch norm in training, and the
/// way back to a file.
@Suite struct ImportedModelTests {
  private func values(_ shape: Shape, _ phase: Int = 0) throws -> Tensor {
    try Tensor(
      shape: shape, (0..<shape.count).map { Double(($0 * 7 + phase * 3) % 11) / 6 - 0.83 })
  }

  private func read(_ graph: Graph) throws -> ModelGraph {
    var model = ModelGraph(graph)
    model.opsets = [("", 17)]
    // Through bytes, as a file would come.
    return try ModelFile.read(bytes: ONNXWriter.bytes(model))
  }

  private func node(
    _ name: String, _ type: String, _ inputs: [ValueID?], _ outputs: [ValueID],
    _ attributes: [Attribute] = []
  ) -> Graph.Node {
    .init(name: name, type: type, attributes: attributes, inputs: inputs, outputs: outputs)
  }

  /// `x W + b`, batch normalisation, `tanh`, `W2`.
  private func network() throws -> ModelGraph {
    var g = Graph()
    let x = g.addInput("x", Fact(.float64, [Dim(symbol: "batch"), 3]))
    func weight(_ name: String, _ shape: Shape, _ phase: Int) throws -> ValueID {
      g.addInitializer(name, try values(shape, phase))
    }
    let (w, b) = (try weight("dense/weight", [3, 4], 1), try weight("dense/bias", [4], 2))
    let (scale, shift) = (try weight("norm/scale", [4], 3), try weight("norm/shift", [4], 4))
    let mean = g.addInitializer("norm/mean", try Tensor([0.1, -0.2, 0.3, 0]))
    let variance = g.addInitializer("norm/variance", try Tensor([1, 0.5, 2, 1.5]))
    let last = try weight("last/weight", [4, 2], 5)
    func value(_ name: String) -> ValueID { g.addValue(name, Fact(nil, nil)) }
    let (dense, norm, act) = (value("dense_out"), value("norm_out"), value("act_out"))
    let y = g.addValue("y", Fact(.float64, [Dim(symbol: "batch"), 2]))
    g.values[y.index].isDeclared = true
    g.nodes = [
      node("dense", "Gemm", [x, w, b], [dense]),
      node(
        "norm", "BatchNormalization", [dense, scale, shift, mean, variance], [norm],
        [.float("epsilon", 0.001), .float("momentum", 0.9)]),
      node("act", "Tanh", [norm], [act]), node("last", "MatMul", [act, last], [y]),
    ]
    g.outputs = [y]
    return try read(g)
  }

  @Test func filledWeightsTrainAndAreWrittenOnceTheyChange() throws {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [2, 3]))
    let sizes = g.addInitializer("sizes", try Tensor([3, 4] as [Int64]))
    let (w, y) = (g.addValue("w", Fact(nil, nil)), g.addValue("y", Fact(.float32, [2, 4])))
    g.values[y.index].isDeclared = true
    g.nodes = [
      node("fill", "ConstantOfShape", [sizes], [w], [.tensor("value", try Tensor([0.5 as Float]))]),
      node("product", "MatMul", [x, w], [y]),
    ]
    g.outputs = [y]
    let source = try read(g)
    let model = try ImportedModel(source)
    #expect(model.parameters.map(\.name) == ["w"])
    let input = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
    let (_, gradients) = try valueAndGradient(of: model) { try $0([input])[0].sum() }
    try Optimizer(model, .torch.sgd(learningRate: 0)).update(gradients)
    #expect(try ONNXWriter.bytes(model.modelGraph()) == ONNXWriter.bytes(source))
    try Optimizer(model, .torch.sgd(learningRate: 0.1)).update(gradients)
    let changed = try model.modelGraph()
    #expect(changed.graph.nodes.map(\.type) == ["MatMul"])
    let again = try ImportedModel(ModelFile.read(bytes: ONNXWriter.bytes(changed)))
    let want = try model([input])[0]
    #expect(try Array(again([input])[0].elements(Float.self)) == Array(want.elements(Float.self)))
  }

  @Test func initialisersBecomeParametersAndStates() throws {
    let model = try ImportedModel(network())
    #expect(
      model.parameters.map(\.name) == [
        "dense/weight", "dense/bias", "norm/scale", "norm/shift", "last/weight",
      ])
    #expect(model.states.map(\.name) == ["norm/mean", "norm/variance"])
    #expect(model.inputNames == ["x"] && model.outputNames == ["y"])
    #expect(model.freeze("dense/*") == 2)
    #expect(model.trainableParameters.count == 3)
    #expect(throws: EngineError.self) { try model([]) }
    #expect(throws: EngineError.self) { try model(["z": try values([2, 3])]) }
  }

  /// Gradients equal central differences, batch norm by the batch included.
  @Test(arguments: [true, false]) func gradientsEqualDifferences(_ training: Bool) throws {
    let model = try ImportedModel(network())
    let x = try values([5, 3], 7)
    func loss(_ m: ImportedModel) throws -> Tensor {
      try inTraining(training) {
        let y = try m([x])[0]
        return try (y * y).sum()
      }
    }
    let moments = model.states.map(\.value)
    func reset() { for (s, v) in zip(model.states, moments) { s.value = v } }
    let (_, gradients) = try valueAndGradient(of: model) { try loss($0) }
    for p in model.parameters {
      let rule = try #require(gradients[p]).values(as: Double.self)
      let whole = try p.value.values(as: Double.self)
      for j in whole.indices {
        func moved(_ by: Double) throws -> Double {
          var list = whole
          list[j] += by
          p.value = try Tensor(shape: p.value.shape, list)
          reset()
          return try #require(loss(model).asDouble(0))
        }
        let difference = try (moved(1e-6) - moved(-1e-6)) / 2e-6
        p.value = try Tensor(shape: p.value.shape, whole)
        #expect(
          abs(rule[j] - difference) <= 1e-5 + 1e-3 * abs(difference), "\(p.name)[\(j)]")
      }
    }
  }

  @Test func batchNormMovesItsStatesInTraining() throws {
    let model = try ImportedModel(network())
    let before = try model.states.map { try $0.value.values(as: Double.self) }
    let x = try values([5, 3], 7)
    _ = try model([x])
    #expect(try model.states.map { try $0.value.values(as: Double.self) } == before)
    _ = try inTraining { try model([x]) }
    let (w, b) = (model.parameters[0].value, model.parameters[1].value)
    let rows = try (x.matmul(w) + b)
    let mean = try rows.mean(axes: [0]).values(as: Double.self)
    let after = try model.states[0].value.values(as: Double.self)
    for i in 0..<4 { #expect(abs(after[i] - (0.9 * before[0][i] + 0.1 * mean[i])) < 1e-6) }
  }

  /// A step at rate 0 leaves every byte of the file as it was.
  @Test func returnsUnchangedAtRateZero() throws {
    let source = try network()
    let model = try ImportedModel(source)
    let x = try values([5, 3], 7)
    let optimizer = try Optimizer(model, .torch.sgd(learningRate: 0))
    let (_, gradients) = try valueAndGradient(of: model) { m in
      try inTraining(false) { try m([x])[0].sum() }
    }
    try optimizer.update(gradients)
    #expect(try ONNXWriter.bytes(model.modelGraph()) == ONNXWriter.bytes(source))
    model.parameters[0].value = try values([3, 4], 9)
    let again = try ImportedModel(
      ModelFile.read(bytes: ONNXWriter.bytes(model.modelGraph())))
    #expect(
      try again.parameters[0].value.values(as: Double.self)
        == model.parameters[0].value.values(as: Double.self))
  }

  private final class Head: Layer {
    let weight: Training.Parameter
    init(_ weight: Tensor) {
      self.weight = Training.Parameter(weight)
      super.init()
    }
    override func forward(_ x: Tensor) throws -> Tensor { try x.matmul(weight.value) }
  }

  @Test func aNodeIsReplacedByALayer() throws {
    let model = try ImportedModel(network())
    #expect(throws: EngineError.self) { try model.replace("lost", with: Layer()) }
    try model.replace("last", with: Head(try values([4, 6])))
    #expect(model.parameters.map(\.name).contains("last.weight"))
    #expect(!model.parameters.map(\.name).contains("last/weight"))
    let x = try values([2, 3])
    #expect(try model([x])[0].shape.array == [2, 6])
    let (_, gradients) = try valueAndGradient(of: model) { try $0([x])[0].sum() }
    #expect(gradients["last.weight"] != nil && gradients["dense/weight"] != nil)
    #expect(throws: EngineError.self) { try model.modelGraph() }
  }

  /// `h = tanh(h w + x_t)` by Scan over the rows, then by Loop three times, then If.
  @Test func controlFlowTrains() throws {
    var step = Graph()
    let h = step.addInput("h", Fact(.float64, [3]))
    let row = step.addInput("row", Fact(.float64, [3]))
    let w = step.addValue("w_in", Fact(.float64, [3]))
    step.captures = [w]
    let (product, sum) = (step.addValue("p", Fact(nil, nil)), step.addValue("s", Fact(nil, nil)))
    let (next, copy) = (step.addValue("n", Fact(nil, nil)), step.addValue("c", Fact(nil, nil)))
    step.nodes = [
      node("", "Mul", [h, w], [product]), node("", "Add", [product, row], [sum]),
      node("", "Tanh", [sum], [next]), node("", "Identity", [next], [copy]),
    ]
    step.outputs = [next, copy]
    var body = Graph()
    let i = body.addInput("i", Fact(.int64, []))
    let go = body.addInput("go", Fact(.bool, []))
    let state = body.addInput("state", Fact(.float64, [3]))
    _ = i
    let (on, sine) = (body.addValue("on", Fact(nil, nil)), body.addValue("sine", Fact(nil, nil)))
    body.nodes = [node("", "Identity", [go], [on]), node("", "Sin", [state], [sine])]
    body.outputs = [on, sine]
    func branch(_ type: String) -> Graph {
      var g = Graph()
      let x = g.addValue("x_" + type, Fact(.float64, [3]))
      let y = g.addValue("y_" + type, Fact(nil, nil))
      g.captures = [x]
      g.nodes = [node("", type, [x], [y])]
      g.outputs = [y]
      return g
    }
    var g = Graph()
    let x = g.addInput("x", Fact(.float64, [4, 3]))
    let condition = g.addInput("condition", Fact(.bool, []))
    let weight = g.addInitializer("w", try values([3], 2))
    let first = g.addInitializer("h0", try values([3], 4))
    let count = g.addInitializer("count", try Tensor(scalar: Int64(3)))
    func value(_ name: String) -> ValueID { g.addValue(name, Fact(nil, nil)) }
    let (last, all, looped, chosen) = (value("last"), value("all"), value("l"), value("chosen"))
    let (total, y) = (value("total"), g.addValue("y", Fact(.float64, [3])))
    g.values[y.index].isDeclared = true
    var scan = node(
      "scan", "Scan", [first, x], [last, all],
      [.graph("body", step), .int("num_scan_inputs", 1), .ints("scan_input_directions", [1])])
    scan.captured = [weight]
    var choice = node(
      "choice", "If", [condition], [chosen],
      [.graph("then_branch", branch("Exp")), .graph("else_branch", branch("Neg"))])
    choice.captured = [looped, last]
    let axis = g.addInitializer("axis", try Tensor([Int64(0)]))
    g.nodes = [
      scan, node("loop", "Loop", [count, nil, last], [looped], [.graph("body", body)]), choice,
      node("total", "ReduceSum", [all, axis], [total], [.int("keepdims", 0)]),
      node("y", "Add", [chosen, total], [y]),
    ]
    g.outputs = [y]
    let model = try ImportedModel(read(g))
    let rows = try values([4, 3], 5)
    for flag in [true, false] {
      let decision = try Tensor(scalar: flag)
      func loss(_ m: ImportedModel) throws -> Tensor { try m([rows, decision])[0].sum() }
      let (_, gradients) = try valueAndGradient(of: model) { try loss($0) }
      for p in model.parameters {
        let rule = try #require(gradients[p]).values(as: Double.self)
        let whole = try p.value.values(as: Double.self)
        for j in whole.indices {
          func moved(_ by: Double) throws -> Double {
            var list = whole
            list[j] += by
            p.value = try Tensor(shape: p.value.shape, list)
            return try #require(loss(model).asDouble(0))
          }
          let difference = try (moved(1e-6) - moved(-1e-6)) / 2e-6
          p.value = try Tensor(shape: p.value.shape, whole)
          #expect(abs(rule[j] - difference) <= 1e-5 + 1e-3 * abs(difference), "\(p.name)[\(j)]")
        }
      }
    }
  }

  /// The compiled step of an imported model does what the same code does at once, states included.
  @Test func compilesIntoAStep() throws {
    let (a, b) = (try ImportedModel(network()), try ImportedModel(network()))
    func loss(_ m: ImportedModel, _ batch: [Tensor]) throws -> Tensor {
      try m([batch[0]])[0].squaredDifference(batch[1]).mean()
    }
    func batch(_ rows: Int) throws -> [Tensor] {
      [try values([rows, 3], rows), try values([rows, 2], rows + 1)]
    }
    let rule = OptimizerRule.torch.sgd(learningRate: 0.1)
    let eager = try Optimizer(a, rule)
    let step = try CompiledStep(b, Optimizer(b, rule), example: batch(5), loss: loss)
    for rows in [5, 3, 8] {
      let (_, gradients) = try valueAndGradient(of: a) { try loss($0, batch(rows)) }
      try eager.update(gradients)
      try step(batch(rows))
    }
    for (p, q) in zip(a.parameters.map(\.value), b.parameters.map(\.value)) {
      for (x, y) in zip(try p.numbers(), try q.numbers()) { #expect(abs(x - y) < 1e-10) }
    }
    for (p, q) in zip(a.states.map(\.value), b.states.map(\.value)) {
      for (x, y) in zip(try p.numbers(), try q.numbers()) { #expect(abs(x - y) < 1e-10) }
    }
  }

  /// Rows taken apart, one taken out, each through a graph, joined again.
  @Test func sequencesTrain() throws {
    var body = Graph()
    let row = body.addInput("row", Fact(.float64, [2]))
    let w = body.addValue("w_in", Fact(.float64, [2]))
    body.captures = [w]
    let (p, t) = (body.addValue("p", Fact(nil, nil)), body.addValue("t", Fact(nil, nil)))
    body.nodes = [node("", "Mul", [row, w], [p]), node("", "Tanh", [p], [t])]
    body.outputs = [t]
    var g = Graph()
    let x = g.addInput("x", Fact(.float64, [3, 2]))
    let weight = g.addInitializer("w", try values([2], 2))
    let extra = g.addInitializer("extra", try values([2], 5))
    let one = g.addInitializer("one", try Tensor(scalar: Int64(1)))
    func value(_ name: String) -> ValueID { g.addValue(name, Fact(nil, nil)) }
    let (rows, first, more, fewer) = (value("rows"), value("first"), value("more"), value("fewer"))
    let (mapped, joined) = (value("mapped"), value("joined"))
    let y = g.addValue("y", Fact(.float64, [3, 2]))
    g.values[y.index].isDeclared = true
    var map = node("map", "SequenceMap", [fewer], [mapped], [.graph("body", body)])
    map.captured = [weight]
    g.nodes = [
      node("rows", "SplitToSequence", [x], [rows], [.int("keepdims", 0)]),
      node("first", "SequenceAt", [rows, one], [first]),
      node("more", "SequenceInsert", [rows, extra, one], [more]),
      node("fewer", "SequenceErase", [more], [fewer]), map,
      node(
        "joined", "ConcatFromSequence", [mapped], [joined],
        [.int("axis", 0), .int("new_axis", 1)]),
      node("y", "Mul", [joined, first], [y]),
    ]
    g.outputs = [y]
    let model = try ImportedModel(read(g))
    let input = try values([3, 2], 7)
    func loss(_ m: ImportedModel) throws -> Tensor { try m([input])[0].sum() }
    let (_, gradients) = try valueAndGradient(of: model) { try loss($0) }
    for parameter in model.parameters {
      let rule = try #require(gradients[parameter]).values(as: Double.self)
      let whole = try parameter.value.values(as: Double.self)
      for j in whole.indices {
        func moved(_ by: Double) throws -> Double {
          var list = whole
          list[j] += by
          parameter.value = try Tensor(shape: parameter.value.shape, list)
          return try #require(loss(model).asDouble(0))
        }
        let difference = try (moved(1e-6) - moved(-1e-6)) / 2e-6
        parameter.value = try Tensor(shape: parameter.value.shape, whole)
        #expect(abs(rule[j] - difference) <= 1e-5, "\(parameter.name)[\(j)]")
      }
    }
  }
}
