import Tensors
import Testing
import Training

private final class Line: Layer {
  let weight: Parameter
  let bias: Parameter?
  init(_ inputs: Int, _ outputs: Int, bias: Bool = true) throws {
    weight = Parameter(try .glorotUniform([inputs, outputs]))
    self.bias = bias ? Parameter(try .zeros([outputs])) : nil
  }
  override func forward(_ x: Tensor) throws -> Tensor {
    try x.linear(weight.value, bias?.value)
  }
}

private final class Net: Module {
  let first: Line
  let rest: [Line]
  let shared: Line
  let count: StateTensor
  let table: [String: Line]

  init(seed: UInt64 = 1) throws {
    let (a, b, c) = try withSeed(seed) {
      (try Line(2, 8), try Line(8, 8, bias: false), try Line(8, 1))
    }
    first = a
    rest = [b, b]
    shared = a
    count = StateTensor(try Tensor(scalar: 0 as Float))
    table = ["out": c]
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    var h = try first(x).tanh()
    for layer in rest { h = try layer(h).tanh() }
    guard let out = table["out"] else { return h }
    return try out(h)
  }
}

/// A tree whose nodes share one layer: the shape of the program is the data's.
private indirect enum Tree {
  case leaf([Float])
  case node(Tree, Tree)
}

private final class TreeNet: Module {
  let join: Line
  let score: Line
  init(seed: UInt64) throws {
    (join, score) = try withSeed(seed) { (try Line(8, 4), try Line(4, 1)) }
  }
  func embed(_ tree: Tree) throws -> Tensor {
    switch tree {
    case .leaf(let x): try Tensor(shape: [1, 4], x)
    case .node(let a, let b): try join(concat([embed(a), embed(b)], axis: 1)).tanh()
    }
  }
}

@Suite struct ModuleTests {
  @Test func namesAndSharing() throws {
    let net = try Net()
    #expect(
      net.parameters.map(\.name) == [
        "first.weight", "first.bias", "rest.0.weight", "table.out.weight", "table.out.bias",
      ])
    #expect(net.states.map(\.name) == ["count"])
    #expect(net.modules.map(\.path) == ["", "first", "rest.0", "table.out"])
  }

  @Test func printing() throws {
    let text = "\(try Net())"
    #expect(text.contains("Net\n"))
    #expect(text.contains("  first: Line\n    weight: float32[2, 8]\n    bias: float32[8]\n"))
    #expect(text.contains("  count: float32[], state\n"))
    #expect(text.hasSuffix("97 parameters"))
  }

  @Test func freezing() throws {
    let net = try Net()
    #expect(net.freeze("*.bias") == 2)
    #expect(net.trainableParameters.count == 3)
    #expect("\(net)".contains("frozen"))
    let error = #expect(throws: EngineError.self) { try net.parameter("first.wieght") }
    #expect(error?.expected?.contains("'first.weight'") == true)
    net.freeze("*")
    let none = #expect(throws: EngineError.self) {
      try valueAndGradient(of: net) { try $0(Tensor.zeros([1, 2])).sum() }
    }
    #expect(none?.code == .usage)
  }

  /// A gradient for each parameter, the shared ones' summed, and a loss that falls.
  @Test func learnsExclusiveOr() throws {
    let net = try Net()
    let x = try Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    let y = try Tensor([[0], [1], [1], [0]])
    let optimizer = try Optimizer(net, .keras.adam(learningRate: 0.02))
    var losses: [Double] = []
    for _ in 0..<400 {
      let (loss, gradients) = try valueAndGradient(of: net) { try Loss.meanSquared($0(x), y) }
      #expect(gradients.values.allSatisfy { $0 != nil })
      losses.append(try loss.scalar())
      try optimizer.update(gradients)
    }
    #expect(losses[399] < 0.01, "the loss went from \(losses[0]) to \(losses[399])")
  }

  /// Recursion over trees of different shapes trains.
  @Test func learnsOverTrees() throws {
    let net = try TreeNet(seed: 3)
    let a = Tree.leaf([1, 0, 0, 0.5])
    let b = Tree.leaf([0, 1, 0.5, 0])
    let data: [(Tree, Double)] = [
      (.node(a, b), 1), (.node(b, a), -1), (.node(.node(a, b), a), 1),
      (.node(b, .node(a, .node(b, a))), -1),
    ]
    let optimizer = try Optimizer(net, .torch.adam(learningRate: 0.05))
    var last = 0.0
    for _ in 0..<60 {
      let (loss, gradients) = try valueAndGradient(of: net) { net in
        var total = try Tensor(scalar: 0 as Float)
        for (tree, target) in data {
          total = try total + (net.score(net.embed(tree)) - target).squared().sum()
        }
        return total
      }
      last = try loss.scalar()
      try optimizer.update(gradients)
    }
    #expect(last < 0.05)
  }

  /// Errors name the layer, the operator, all shapes and a line.
  @Test func errorsNameTheLayer() throws {
    let net = try Net()
    _ = net.parameters
    let error = #expect(throws: EngineError.self) { try net(Tensor.zeros([4, 3])) }
    #expect(error?.subject.node == "first")
    #expect(error?.subject.operatorName == "Gemm")
    #expect(error?.message.contains("float32[4, 3], float32[2, 8], float32[8]") == true)
    #expect(error?.subject.file != nil)
  }

  @Test func gradientOperations() throws {
    let p = [
      Parameter(try .zeros([2]), name: "a"), Parameter(try .zeros([1]), name: "b"),
      Parameter(try .zeros([1]), name: "c"),
    ]
    let g = Gradients(p, [try Tensor([3, 0] as [Float]), try Tensor([4] as [Float]), nil])
    #expect(try g.globalNorm() == 5)
    #expect(try g.clipped(globalNorm: 1).globalNorm() - 1 < 1e-6)
    #expect(try g.clipped(globalNorm: 6).globalNorm() == 5)
    #expect(try g.clipped(norm: 3.5)["b"]?.numbers() == [3.5])
    #expect(try g.clipped(value: 2)["a"]?.numbers() == [2, 0])
    var sum = GradientAccumulator()
    try sum.add(g)
    try sum.add(g.scaled(by: 3))
    #expect(try sum.take()["a"]?.numbers() == [6, 0])
    #expect(throws: EngineError.self) { try sum.take() }
    #expect(throws: EngineError.self) { try g.clipped(globalNorm: 0) }
    #expect(g[p[2]] == nil)
  }

  @Test func averages() throws {
    let net = try Net()
    let average = try WeightAverage(net, decay: 0.75)
    let p = net.parameters[0]
    let before = try p.value.numbers()
    p.value = try p.value + 1
    try average.update()
    average.swap()
    for (a, b) in zip(before, try p.value.numbers()) { #expect(abs(b - a - 0.25) < 1e-6) }
    average.swap()
    for (a, b) in zip(before, try p.value.numbers()) { #expect(abs(b - a - 1) < 1e-6) }
  }
}
