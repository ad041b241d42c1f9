import DLRun
import Operators
import TestSupport
import Testing

/// Joins, parts and results that lie in each other's memory: nothing is copied that need not be,
/// and the numbers are those of operators that run one by one.
@Suite struct SharedMemoryTests {
  /// A graph under construction.
  private final class Net {
    let b = GraphBuilder()
    var values: [String: Tensor] = [:]

    func input(_ name: String, _ shape: Shape, from first: Int = 0) throws -> ValueID {
      values[name] = try Tensor(
        shape: shape, (0..<shape.count).map { Float(($0 * 5 + first * 3) % 17) - 8 })
      return b.graph.addInput(name, Fact(.float32, shape.array.map { Dim($0) }))
    }
    func output(_ v: ValueID) {
      b.graph.outputs.append(v)
    }
    func model() -> Model {
      for (k, v) in b.graph.outputs.enumerated() where b.graph.values[v.index].name.isEmpty {
        b.graph.values[v.index].name = "out\(k)"
      }
      var model = Model(b.graph)
      model.opsets = [("", 21)]
      return model
    }
    func split(_ v: ValueID, axis: Int, _ sizes: [Int64]) throws -> Few<ValueID> {
      try b.apply(
        Split(axis: axis), inputs: [v, try b.constant(Tensor(sizes))], outputs: sizes.count)
    }
    func slice(_ v: ValueID, _ from: Int64, _ to: Int64, axis: Int64) throws -> ValueID {
      try b.apply(
        Slice(),
        inputs: [
          v, try b.constant(Tensor([from])), try b.constant(Tensor([to])),
          try b.constant(Tensor([axis])),
        ])
    }
  }

  /// Operators that the plan runs, once the session's results were found right.
  private func steps(_ net: Net, threads: Int = 1) throws -> [String] {
    let model = net.model()
    let session = try Session(model, options: .init(threads: threads, optimization: .none))
    let want = try Reference.run(net.b.graph, net.values)
    for _ in 0..<2 {
      let got = try session.run(net.values)
      for (i, w) in want.enumerated() {
        #expect(try difference(#require(got[i]), w) == nil, "output \(i)")
      }
    }
    return try session.outline(net.values.mapValues(\.type)).steps.map(\.operatorName)
  }

  /// Memory that nothing later needs goes back to the system within a run, and results stay right.
  @Test(arguments: [OptimizationLevel.none, .all]) func memoryIsGivenBack(
    level: OptimizationLevel
  ) throws {
    let net = Net()
    let x = try net.input("x", [1, 16, 128, 128])
    let early = try net.b.apply(GlobalMaxPool(), x)
    let two = try net.b.apply(
      Concat(axis: 1), try net.b.apply(Relu(), x), try net.b.apply(Neg(), x))
    let parts = try net.split(two, axis: 1, [8, 24])
    var small = try net.b.apply(Tanh(), parts[0])
    for _ in 0..<3 {
      small = try net.b.apply(MaxPool(Window(kernel: [2, 2], strides: [2, 2])), small)
    }
    let head = try net.slice(early, 0, 8, axis: 1)
    net.output(try net.b.apply(Add(), try net.b.apply(Sigmoid(), small), head))
    net.output(try net.b.apply(GlobalAveragePool(), parts[1]))
    var options = SessionOptions(threads: 1, optimization: level)
    let kept = try Session(net.model(), options: options).run(net.values)
    options.returnsMemory = true
    let session = try Session(net.model(), options: options)
    for _ in 0..<3 {
      let got = try session.run(net.values)
      for i in 0..<2 { #expect(try difference(#require(got[i]), #require(kept[i])) == nil) }
    }
  }

  @Test(arguments: [1, 2]) func aJoinIsMadeInItsPlace(batch: Int) throws {
    let net = Net()
    let x = try net.input("x", [batch, 3, 5])
    let a = try net.b.apply(Relu(), x)
    let c = try net.b.apply(Neg(), x)
    net.output(
      try net.b.apply(Abs(), try net.b.apply(Concat(axis: 1), inputs: [a, c, a])))
    // The second use of `a` is copied; a batch of two does not lie side by side.
    #expect(try steps(net) == ["Relu", "Neg", "Concat", "Abs"])
    let other = Net()
    let y = try other.input("y", [batch, 3, 5])
    let parts = [try other.b.apply(Relu(), y), try other.b.apply(Neg(), y)]
    other.output(try other.b.apply(Abs(), try other.b.apply(Concat(axis: 1), inputs: parts)))
    #expect(
      try steps(other)
        == (batch == 1 ? ["Relu", "Neg", "Abs"] : ["Relu", "Neg", "Concat", "Abs"]))
  }

  @Test func inputsAndConstantsAreCopiedIntoAJoin() throws {
    let net = Net()
    let x = try net.input("x", [2, 3])
    let k = try net.b.constant(Tensor(shape: [1, 3], [4, 5, 6] as [Float]))
    let joined = try net.b.apply(Concat(axis: 0), inputs: [x, try net.b.apply(Neg(), x), k])
    net.output(try net.b.apply(Relu(), joined))
    #expect(try steps(net) == ["Neg", "Concat", "Relu"])
  }

  @Test func aJoinThatIsAResultIsMadeInTheResult() throws {
    let net = Net()
    let x = try net.input("x", [2, 3])
    let a = try net.b.apply(Neg(), x)
    let joined = try net.b.apply(Concat(axis: 0), inputs: [a, try net.b.apply(Abs(), x)])
    net.output(joined)
    #expect(try steps(net) == ["Neg", "Abs"])
    // One that is asked for itself has memory of its own.
    net.output(a)
    #expect(try steps(net) == ["Neg", "Abs", "Concat"])
  }

  /// Each layer joins all before it, as one list or step by step.
  @Test(arguments: [false, true]) func densityCostsNoCopies(asLists: Bool) throws {
    let net = Net()
    let x = try net.input("x", [1, 4, 6])
    var parts = [try net.b.apply(Neg(), x)]
    var whole = parts[0]
    for _ in 0..<5 {
      let grown = try net.b.apply(Relu(), try net.b.apply(Neg(), whole))
      parts.append(try net.slice(grown, 0, 4, axis: 1))
      parts[parts.count - 1] = try net.b.apply(Abs(), parts[parts.count - 1])
      whole = try net.b.apply(
        Concat(axis: 1), inputs: asLists ? parts : [whole, parts[parts.count - 1]])
    }
    net.output(try net.b.apply(Tanh(), whole))
    let names = try steps(net)
    #expect(!names.contains("Concat") && !names.contains("Slice"), "\(names)")
  }

  @Test func partsAreViews() throws {
    let net = Net()
    let x = try net.input("x", [1, 12, 4])
    let y = try net.b.apply(Neg(), x)
    let parts = try net.split(y, axis: 1, [5, 4, 3])
    // Written over while its neighbours live on.
    let first = try net.b.apply(Relu(), parts[0])
    let end = try net.slice(y, 8, 12, axis: 1)
    let row = try net.b.apply(
      Gather(axis: 1), y, try net.b.constant(Tensor(scalar: -1 as Int64)))
    net.output(try net.b.apply(Abs(), first))
    net.output(try net.b.apply(Add(), parts[1], end))
    net.output(try net.b.apply(Neg(), parts[2]))
    net.output(try net.b.apply(Neg(), row))
    #expect(try steps(net) == ["Neg", "Relu", "Abs", "Add", "Neg", "Neg"])
  }

  @Test func partsOfInputsAreLookedAtThere() throws {
    let net = Net()
    let x = try net.input("x", [6, 4])
    let parts = try net.split(x, axis: 0, [1, 5])
    net.output(try net.b.apply(Neg(), parts[0]))
    net.output(try net.b.apply(Relu(), parts[1]))
    // A part that is itself a result does not keep the whole alive.
    net.output(parts[1])
    #expect(try steps(net) == ["Split", "Neg", "Relu"])
  }

  @Test func whatWasCutIsJoinedForNothing() throws {
    let net = Net()
    let x = try net.input("x", [6, 4])
    let parts = try net.split(try net.b.apply(Neg(), x), axis: 0, [1, 5])
    let back = try net.b.apply(Concat(axis: 0), inputs: [parts[0], parts[1]])
    let turned = try net.b.apply(Concat(axis: 0), inputs: [parts[1], parts[0]])
    net.output(try net.b.apply(Relu(), back))
    net.output(try net.b.apply(Abs(), turned))
    #expect(try steps(net) == ["Neg", "Concat", "Relu", "Abs"])
  }

  /// The place of a skipped connection in the join holds other values until it is made.
  @Test func aJoinTakesNoMoreThanItsParts() throws {
    let net = Net()
    let x = try net.input("x", [1, 64, 64])
    let skip = try net.b.apply(Neg(), x)
    let deep = try net.b.apply(Sigmoid(), try net.b.apply(Exp(), skip))
    let up = try net.b.apply(Tanh(), deep)
    net.output(
      try net.b.apply(
        GlobalAveragePool(), try net.b.apply(Concat(axis: 1), inputs: [skip, up])))
    let session = try Session(net.model(), options: .init(threads: 1, optimization: .none))
    let outline = try session.outline(net.values.mapValues(\.type))
    #expect(outline.arenaBytes < 2 * 64 * 64 * 4 + 4096)
  }

  @Test(arguments: 0..<60) func randomGraphs(seed: Int) throws {
    var draw = Draw(seed)
    let net = Net()
    var pool: [(id: ValueID, rows: Int)] = []
    for k in 0..<2 {
      let rows = 1 + draw.next(4)
      pool.append((try net.input("x\(k)", [rows, 4], from: k), rows))
    }
    for _ in 0..<30 {
      let (v, rows) = pool[pool.count - 1 - draw.next(min(pool.count, 6))]
      switch draw.next(8) {
      case 0: pool.append((try net.b.apply(Neg(), v), rows))
      case 1: pool.append((try net.b.apply(Relu(), v), rows))
      case 2:
        let same = pool.filter { $0.rows == rows }
        pool.append((try net.b.apply(Add(), v, same[draw.next(same.count)].id), rows))
      case 3, 4:
        var list = (0..<(1 + draw.next(3))).map { _ in pool[draw.next(pool.count)] }
        list.append((v, rows))
        let sum = list.reduce(0) { $0 + $1.rows }
        guard sum <= 40 else { continue }
        pool.append((try net.b.apply(Concat(axis: 0), inputs: list.map(\.id)), sum))
      case 5 where rows > 1:
        let cut = 1 + draw.next(rows - 1)
        let parts = try net.split(v, axis: 0, [Int64(cut), Int64(rows - cut)])
        pool.append((parts[0], cut))
        pool.append((parts[1], rows - cut))
      case 6 where rows > 2:
        pool.append((try net.slice(v, 1, Int64(rows - 1), axis: 0), rows - 2))
      default:
        let flat = try net.b.apply(
          Reshape(), v, try net.b.constant(Tensor([Int64(rows * 4)])))
        pool.append(
          (try net.b.apply(Reshape(), flat, try net.b.constant(Tensor([-1, 4] as [Int64]))), rows))
      }
    }
    for _ in 0..<(1 + draw.next(4)) {
      let v = pool[draw.next(pool.count)].id
      if !net.b.graph.outputs.contains(v), !net.b.graph.inputs.contains(v) { net.output(v) }
    }
    net.output(try net.b.apply(Neg(), pool[pool.count - 1].id))
    _ = try steps(net, threads: 1 + seed % 2)
  }

  private struct Draw {
    var state: UInt64
    init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
    mutating func next(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % n
    }
  }
}

/// A graph run node by node, each result in memory of its own.
private enum Reference {
  static func run(_ graph: Graph, _ inputs: [String: Tensor]) throws -> [Tensor] {
    var values: [Int: Tensor] = [:]
    for (id, t) in graph.initializers { values[id.index] = t }
    for id in graph.inputs { values[id.index] = inputs[graph.name(id)] }
    for node in graph.nodes {
      let op = try #require(node.op)
      let results = try Eager().evaluate(
        op, node.inputs.map { $0.flatMap { values[$0.index] }.map { .tensor($0) } },
        outputs: node.outputs.count, runner: nil)
      for (id, r) in zip(node.outputs, results) {
        if let id, let r { values[id.index] = try r.asTensor() }
      }
    }
    return try graph.outputs.map { try #require(values[$0.index]) }
  }
}
