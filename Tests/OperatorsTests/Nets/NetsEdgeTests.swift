import Graphs
import Operators
import Tensors
import TestSupport
import Testing

/// Edges and errors of the operators that reference vectors do not reach.
@Suite struct NetsEdgeTests {
  private func run(
    _ op: any Operator, _ inputs: [Tensor?], outputs: Int = 1
  ) throws -> [Tensor] {
    try Eager().evaluate(
      op, inputs.map { $0.map { .tensor($0) } }, outputs: outputs, runner: nil
    ).map { try #require($0).asTensor() }
  }
  private func code(_ body: () throws -> Void) -> EngineError.Code? {
    do {
      try body()
      return nil
    } catch { return (error as? EngineError)?.code }
  }
  private func floats(_ t: Tensor) throws -> [Float] { try t.values(as: Float.self) }

  @Test func reductionsOverNothing() throws {
    let x = try Tensor(shape: [2, 0], [] as [Float])
    let axes = try Tensor([1] as [Int64])
    let expected: [(any Operator, Float)] = [
      (ReduceSum(), 0), (ReduceProd(), 1), (ReduceMax(), -.infinity), (ReduceMin(), .infinity),
      (ReduceL1(), 0), (ReduceL2(), 0), (ReduceSumSquare(), 0), (ReduceLogSum(), -.infinity),
      (ReduceLogSumExp(), -.infinity),
    ]
    for (op, value) in expected {
      #expect(try floats(run(op, [x, axes])[0]) == [value, value], "\(op)")
    }
    #expect(try floats(run(ReduceMean(), [x, axes])[0]).allSatisfy(\.isNaN))
    let none = try Tensor(shape: [0, 2], [] as [Float])
    #expect(try run(ReduceSum(), [none, axes])[0].shape == [0, 1])
  }

  @Test func reductionsHandNaNOn() throws {
    var values = [Float](repeating: 1, count: 40)
    values[17] = .nan
    let x = try Tensor(values)
    #expect(try floats(run(ReduceMax(), [x])[0])[0].isNaN)
    #expect(try floats(run(ReduceMin(), [x])[0])[0].isNaN)
    #expect(try floats(run(ReduceSum(), [x])[0])[0].isNaN)
  }

  @Test func reductionAxes() throws {
    let x = try Tensor(shape: [2, 2], [1, 2, 3, 4] as [Float])
    let empty = try Tensor([] as [Int64])
    #expect(try floats(run(ReduceSum(), [x, empty])[0]) == [10])
    let noop = ReduceSumSquare(ReduceAxes(noopWithEmptyAxes: true))
    #expect(try floats(run(noop, [x, empty])[0]) == [1, 4, 9, 16])
    #expect(code { _ = try run(ReduceSum(), [x, try Tensor([2] as [Int64])]) } == .attribute)
    #expect(code { _ = try run(ReduceSum(), [x, try Tensor([0, -2] as [Int64])]) } == .attribute)
  }

  @Test func logSumExpDoesNotOverflow() throws {
    let x = try Tensor([1000, 1000] as [Float])
    let y = try floats(run(ReduceLogSumExp(), [x])[0])[0]
    #expect(abs(y - 1000.6931) < 1e-3)
    let low = try Tensor([-Float.infinity, -Float.infinity])
    #expect(try floats(run(ReduceLogSumExp(), [low])[0]) == [-.infinity])
  }

  @Test func longSumsAreAccurate() throws {
    // Plain float32 summation stays at 2^24.
    let n = 1 << 16
    var values = [Float](repeating: 1, count: n)
    values[0] = 16_777_216
    let sum = try floats(run(ReduceSum(), [try Tensor(values)])[0])[0]
    #expect(abs(sum - Float(16_777_216 + n - 1)) <= 128)
  }

  @Test func topKTiesAndNaN() throws {
    let x = try Tensor([1, .nan, 3, 3, -1] as [Float])
    let k = try Tensor([4] as [Int64])
    let largest = try run(TopK(), [x, k], outputs: 2)
    #expect(try largest[1].values(as: Int64.self) == [1, 2, 3, 0])
    let smallest = try run(TopK(isLargest: false), [x, k], outputs: 2)
    #expect(try smallest[1].values(as: Int64.self) == [4, 0, 2, 3])
    #expect(code { _ = try run(TopK(), [x, try Tensor([6] as [Int64])], outputs: 2) } == .value)
    #expect(try run(TopK(), [x, try Tensor([0] as [Int64])], outputs: 2)[0].shape == [0])
  }

  @Test func argMaxEdges() throws {
    let x = try Tensor([1, .nan, 5, .nan] as [Float])
    #expect(try run(ArgMax(), [x])[0].values(as: Int64.self) == [1])
    let last = ArgMax(ArgOptions(selectsLast: true))
    #expect(try run(last, [x])[0].values(as: Int64.self) == [3])
    #expect(code { _ = try run(ArgMax(), [try Tensor(shape: [0], [] as [Float])]) } == .shape)
  }

  @Test func softmaxEdges() throws {
    let x = try Tensor(
      shape: [3, 2], [-.infinity, 0, -.infinity, -.infinity, 200, 100] as [Float])
    let y = try floats(run(Softmax(), [x])[0])
    #expect(y[0] == 0 && y[1] == 1 && y[2].isNaN && y[3].isNaN && y[4] == 1)
    #expect(code { _ = try run(Softmax(SoftmaxAxis(2)), [x]) } == .attribute)
    #expect(try run(Softmax(), [try Tensor(shape: [2, 0], [] as [Float])])[0].count == 0)
  }

  @Test func cumulativeAxis() throws {
    let x = try Tensor(shape: [2, 2], [1, 2, 3, 4] as [Float])
    #expect(code { _ = try run(CumSum(), [x, try Tensor(scalar: Int64(2))]) } == .value)
  }

  @Test func poolingErrors() throws {
    let x = try Tensor(shape: [1, 1, 2, 2], [1, 2, 3, 4] as [Float])
    #expect(code { _ = try run(MaxPool(Window(kernel: [3, 3])), [x]) } == .shape)
    #expect(code { _ = try run(MaxPool(Window(kernel: [2])), [x]) } == .attribute)
    let flat = try Tensor(shape: [1, 2], [1, 2] as [Float])
    #expect(code { _ = try run(AveragePool(Window(kernel: [1])), [flat]) } == .shape)
    let y = try run(
      MaxPool(Window(kernel: [2, 2])),
      [try Tensor(shape: [1, 1, 2, 2], [1, .nan, 3, 4] as [Float])])
    #expect(try floats(y[0])[0].isNaN)
  }

  @Test func normalisationErrors() throws {
    let x = try Tensor(shape: [1, 3, 2], [Float](repeating: 1, count: 6))
    let two = try Tensor([1, 1] as [Float])
    let three = try Tensor([1, 1, 1] as [Float])
    #expect(code { _ = try run(InstanceNormalization(), [x, two, two]) } == .shape)
    #expect(code { _ = try run(GroupNormalization(groups: 2), [x, three, three]) } == .shape)
    #expect(code { _ = try run(LayerNormalization(), [x, three]) } == .shape)
    #expect(
      code { _ = try run(BatchNormalization(), [x, three, three, three, three], outputs: 2) }
        == .arity)
    let zero = try Tensor(shape: [1, 2], [0, 0] as [Float])
    #expect(try floats(run(LpNormalization(), [zero])[0]) == [0, 0])
  }

  @Test func recurrentErrors() throws {
    let x = try Tensor(shape: [2, 1, 1], [1, 2] as [Float])
    let w = try Tensor(shape: [1, 1, 1], [1] as [Float])
    let wide = try Tensor(shape: [1, 2, 1], [1, 1] as [Float])
    #expect(code { _ = try run(RNN(), [x, wide, w]) } == .shape)
    let long = try Tensor([3] as [Int32])
    #expect(code { _ = try run(RNN(), [x, w, w, nil, long]) } == .value)
    var options = RecurrentOptions()
    options.activations = ["Cosine"]
    #expect(code { _ = try run(RNN(options), [x, w, w]) } == .attribute)
  }

  @Test func einsumErrors() throws {
    for bad in ["ij->ii", "i1->i", "i->j", "i.->i", "i->i->i"] {
      #expect(code { _ = try Einsum(bad) } == .attribute, "\(bad)")
    }
    let x = try Tensor(shape: [2, 3], [Float](repeating: 1, count: 6))
    #expect(code { _ = try run(try Einsum("ij,jk->ik"), [x, x]) } == .shape)
    #expect(code { _ = try run(try Einsum("ijk->k"), [x]) } == .shape)
    #expect(code { _ = try run(try Einsum("ij,jk->ik"), [x]) } == .arity)
    let none = try Tensor(shape: [2, 0], [] as [Float])
    #expect(try floats(run(try Einsum("ij,ij->i"), [none, none])[0]) == [0, 0])
  }

  @Test func attentionOfMaskedQueryIsZero() throws {
    let q = try Tensor(shape: [1, 1, 2, 1], [1, 2] as [Float])
    let v = try Tensor(shape: [1, 1, 2, 1], [3, 7] as [Float])
    let mask = try Tensor(shape: [2, 2], [false, false, true, false])
    let y = try run(Attention(), [q, q, v, mask])
    #expect(try floats(y[0]) == [0, 3])
    var options = Attention.Options()
    options.isCausal = true
    let causal = try run(
      Attention(options), [q, q, try Tensor(shape: [1, 1, 2, 1], [3, 5] as [Float])])
    #expect(try floats(causal[0])[0] == 3)
    #expect(code { _ = try run(Attention(), [q, q, v, nil, q]) } == .arity)
  }
}
