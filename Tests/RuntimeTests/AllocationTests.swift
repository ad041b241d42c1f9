import DLRun
import Formats
import Operators
import TestSupport
import Testing

@testable import Runtime

/// A run in steady state takes nothing from the heap, whatever the operators.
@Suite struct AllocationTests {
  static let names = EveryOperatorSessionTests.names

  /// Every operator on the cases of its schema, where these have plans for settled types.
  @Test(arguments: names) func everyOperator(_ key: String) throws {
    let parts = key.split(separator: ":", omittingEmptySubsequences: false)
    let type = try #require(Registry.find(domain: String(parts[0]), name: String(parts[1])))
    for c in try type.schema.cases() {
      for (constants, threads) in [(false, 1), (true, 1), (false, 2)] {
        let (model, inputs) = try OperatorModel.of(c, constants: constants)
        let session = try Session(
          model, options: .init(threads: threads, optimization: .none))
        let list = session.inputs.map { inputs[$0.name] }
        guard let prepared = try? session.prepared(for: list.map { $0?.type }) else { continue }
        let (count, outputs) = try prepared.steadyAllocations(list, pool: session.state.pool)
        if countsAllocations { #expect(count == 0, "\(key) on \(threads) threads") }
        guard type.schema.isDeterministic else { continue }
        let want = try session.run(inputs)
        for (i, t) in outputs.enumerated() {
          #expect(try difference(t, #require(want[i])) == nil, "\(key) output \(i)")
        }
      }
    }
  }

  /// A network with convolutions, poolings, joins, matrix products and a softmax.
  private func network() throws -> Model {
    let b = GraphBuilder()
    func weights(_ shape: Shape) throws -> ValueID {
      try b.constant(
        Tensor(shape: shape, (0..<shape.count).map { Float(($0 * 7) % 23) / 64 - 0.15 }))
    }
    let x = b.graph.addInput("x", Fact(.float32, [1, 3, 48, 48]))
    let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])
    func layer(_ v: ValueID, _ from: Int, _ to: Int) throws -> ValueID {
      try b.apply(Relu(), b.apply(Conv(window: same), v, weights([to, from, 3, 3])))
    }
    let a = try layer(x, 3, 32)
    let c = try layer(a, 32, 32)
    let sum = try b.apply(Add(), a, c)
    let joined = try b.apply(Concat(axis: 1), inputs: [sum, try layer(sum, 32, 32)])
    let pooled = try b.apply(GlobalAveragePool(), try b.apply(Sigmoid(), joined))
    let flat = try b.apply(Flatten(axis: 1), pooled)
    let logits = try b.apply(MatMul(), flat, weights([64, 40]))
    let y = try b.apply(Softmax(), logits)
    b.graph.values[y.index].name = "y"
    b.graph.outputs = [y]
    var model = Model(b.graph)
    model.opsets = [("", 21)]
    return model
  }

  @Test(arguments: [OptimizationLevel.none, .basic, .all], [1, 2])
  func aNetwork(level: OptimizationLevel, threads: Int) throws {
    let session = try Session(
      try network(), options: .init(threads: threads, optimization: level))
    let x = try Tensor(shape: [1, 3, 48, 48], (0..<6912).map { Float($0 % 31) / 16 - 1 })
    let prepared = try session.prepared(for: [x.type])
    let (count, outputs) = try prepared.steadyAllocations([x], pool: session.state.pool)
    if countsAllocations { #expect(count == 0) }
    #expect(try difference(outputs[0], #require(session.run(["x": x])[0])) == nil)
  }

  /// `run` on values takes the list that it returns, and at most two more blocks: for the results it
  /// is given no memory for, the tensor's and its owner's.
  @Test(arguments: [1, 2]) func aRunOnValues(threads: Int) throws {
    let session = try Session(try network(), options: .init(threads: threads))
    let x = try Tensor(shape: [1, 3, 48, 48], (0..<6912).map { Float($0 % 31) / 16 - 1 })
    let y = Tensor(try Storage(TensorType(.float32, [1, 40])))
    let inputs: [Value?] = [.tensor(x)]
    let targets: [Tensor?] = [y]
    for _ in 0..<2 { _ = try session.run(ordered: inputs, into: targets) }
    let pool = session.state.pool
    let into = try allocations(on: pool) { _ = try session.run(ordered: inputs, into: targets) }
    let fresh = try allocations(on: pool) { _ = try session.run(ordered: inputs) }
    if countsAllocations {
      #expect(into <= 3)
      #expect(fresh <= 3)
    }
  }
}
