import Graphs
import Tensors
import Testing

@testable import Operators

/// The graphs of FlexAttention: what they are handed, and what they may give.
@Suite struct FlexAttentionTests {
  /// Stands for a runtime: any graph is this function.
  struct Runner: GraphRunner {
    let body: (Tensor, [Value?]) throws(EngineError) -> Tensor
    func run(
      _ graph: Subgraph, inputs: [Value?], captured: [Value?]
    ) throws(EngineError) -> [Value?] {
      guard let x = try inputs[0]?.asTensor() else { return [nil] }
      return [.tensor(try body(x, captured))]
    }
    func bind(
      _ graph: Subgraph, inputs: [TensorType], captured: [Value?]
    ) throws(EngineError) -> (any BoundGraph)? { nil }
    func reserve(bytes: Int) throws(EngineError) {}
    func checkCancellation() throws(EngineError) {}
  }

  private func wave(_ shape: Shape, _ phase: Int) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.count).map { Float(($0 + phase) * 7 % 13) * 0.2 - 1 })
  }

  private func run(
    _ op: FlexAttention, _ inputs: [Tensor],
    _ body: @escaping (Tensor, [Value?]) throws(EngineError) -> Tensor
  ) throws -> Tensor {
    let e = Evaluation(inputs: inputs.map { .tensor($0) }, runner: Runner(body: body))
    return try #require(try op.evaluate(e)[0]).asTensor()
  }

  private func operands() throws -> [Tensor] {
    [try wave([2, 4, 3, 4], 0), try wave([2, 2, 5, 4], 3), try wave([2, 2, 5, 2], 5)]
  }

  /// Graphs that change nothing leave plain attention.
  @Test func identityGraphs() throws {
    let op = FlexAttention(scoreMod: Graph(), probMod: Graph(), scale: 0.4)
    let got = try run(op, operands()) { (x, _) throws(EngineError) in x }
    let values = try Eager().evaluate(
      FlexAttention(scale: 0.4), operands().map { .tensor($0) }, outputs: 1, runner: nil)
    let want = try #require(values[0]).asTensor()
    #expect(got.shape == [2, 4, 3, 2])
    for (a, b) in zip(try got.values(as: Float.self), try want.values(as: Float.self)) {
      #expect(abs(a - b) <= 1e-6)
    }
  }

  /// Scores that leave the first key alone give its value.
  @Test func scoresAreWhatTheGraphGives() throws {
    let inputs = try operands()
    let y = try run(FlexAttention(scoreMod: Graph()), inputs) { (x, _) throws(EngineError) in
      let keys = x.shape[3]
      return try Tensor(
        shape: x.shape, (0..<x.count).map { $0 % keys == 0 ? Float(0) : -Float.infinity })
    }
    let (got, v) = (try y.values(as: Float.self), try inputs[2].values(as: Float.self))
    for b in 0..<2 {
      for h in 0..<4 {
        for i in 0..<3 {
          for e in 0..<2 {
            #expect(got[((b * 4 + h) * 3 + i) * 2 + e] == v[(b * 2 + h / 2) * 5 * 2 + e])
          }
        }
      }
    }
  }

  /// The softmax's dtype is what graphs see, whatever the operands are.
  @Test func graphsSeeTheSoftmaxType() throws {
    let halves = try operands().map { try Eager().apply(Cast(to: .float16), $0) }
    let expected: [(DType?, DType)] = [
      (nil, .float32), (.float16, .float16), (.float64, .float64),
    ]
    for (precision, want) in expected {
      let op = FlexAttention(probMod: Graph(), softmaxPrecision: precision)
      let y = try run(op, halves) { (x, _) throws(EngineError) in
        #expect(x.type == TensorType(want, [2, 4, 3, 5]))
        return x
      }
      #expect(y.dtype == .float16)
    }
  }

  @Test func refusesOtherTypes() throws {
    let inputs = try operands()
    let error = #expect(throws: EngineError.self) {
      _ = try run(FlexAttention(scoreMod: Graph()), inputs) { (_, _) throws(EngineError) in
        try Tensor([1] as [Float])
      }
    }
    #expect(error?.code == .invalidModel)
    let none = Evaluation(inputs: inputs.map { .tensor($0) })
    let missing = #expect(throws: EngineError.self) {
      _ = try FlexAttention(scoreMod: Graph()).evaluate(none)
    }
    #expect(missing?.code == .unsupported)
  }
}
