import Graphs
import Kernels
import Operators
import Tensors
import Testing

/// What quantised operators, losses and their neighbours refuse, and how edges come out.
@Suite struct QuantizationErrorTests {
  private func run(
    _ op: any Operator, _ inputs: [Tensor?], pool: ThreadPool = .single
  ) throws(EngineError) -> Tensor {
    let values = try Eager(pool: pool, options: .init(threads: pool.threads)).evaluate(
      op, inputs.map { $0.map { .tensor($0) } }, outputs: 1, runner: nil)
    guard let first = values.first, let y = try first?.asTensor() else {
      throw EngineError(.internalDefect, "no output")
    }
    return y
  }
  private func code(_ op: any Operator, _ inputs: [Tensor?]) -> EngineError.Code? {
    do throws(EngineError) {
      _ = try run(op, inputs)
      return nil
    } catch { return error.code }
  }
  private func floats(_ shape: Shape) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.count).map { Float($0) })
  }

  @Test func scalesThatDoNotFit() throws {
    let x = try floats([2, 6])
    #expect(code(QuantizeLinear(), [x, try floats([5]), nil]) == .shape)
    #expect(code(QuantizeLinear(scales: .init(axis: 2)), [x, try floats([6]), nil]) == .attribute)
    let zero = try Tensor([1, 2] as [Int8])
    #expect(code(QuantizeLinear(), [x, try floats([6]), zero]) == .shape)
    #expect(code(QuantizeLinear(scales: .init(block: 4)), [x, try floats([2, 3]), nil]) == .shape)
    #expect(code(QuantizeLinear(scales: .init(block: 4)), [x, try floats([2, 2]), nil]) == nil)
    let other = try Tensor(scalar: 1 as UInt8)
    #expect(code(QuantizeLinear(output: .int8), [x, try floats([]), other]) == .attribute)
  }

  @Test func extremesSaturate() throws {
    let x = try Tensor([.infinity, -.infinity, .nan, 3e38, -0.5, 0.5, 1.5] as [Float])
    let one = try Tensor(scalar: 1 as Float)
    let bytes = try run(QuantizeLinear(), [x, one, try Tensor(scalar: 3 as Int8)])
    #expect(try bytes.values(as: Int8.self) == [127, -128, -128, 127, 3, 3, 5])
    let zero = try Tensor(scalar: 0 as Float)
    let all = try run(QuantizeLinear(), [x, zero, nil])
    #expect(try all.values(as: UInt8.self) == [255, 0, 0, 255, 0, 255, 255])
    let words = try run(QuantizeLinear(output: .int16), [x, one, nil])
    #expect(try words.values(as: Int16.self) == [32767, -32768, -32768, 32767, 0, 0, 2])
  }

  @Test func labelsOutOfRange() throws {
    let x = try floats([2, 3])
    for bad in [3, -1, Int64.max] {
      let labels = try Tensor([0, bad])
      #expect(code(NegativeLogLikelihoodLoss(), [x, labels]) == .value)
      #expect(code(SoftmaxCrossEntropyLoss(), [x, labels]) == .value)
    }
    let skipped = ClassLoss(.sum, ignored: -1)
    let labels = try Tensor([2, -1] as [Int64])
    #expect(
      try run(NegativeLogLikelihoodLoss(skipped), [x, labels]).values(as: Float.self) == [-2])
    #expect(code(NegativeLogLikelihoodLoss(), [x, try Tensor([1] as [Int64])]) == .shape)
    #expect(code(NegativeLogLikelihoodLoss(), [x, labels, try floats([2])]) == .shape)
  }

  @Test func neighboursRefuse() throws {
    #expect(code(BitCast(to: .int64), [try floats([2])]) == .attribute)
    #expect(code(Det(), [try floats([2, 3])]) == .shape)
    #expect(code(CenterCropPad(), [try floats([2, 3]), try Tensor([1] as [Int64])]) == .shape)
    #expect(code(CenterCropPad(), [try floats([2]), try Tensor([-1] as [Int64])]) == .shape)
    let cache = try floats([2, 4, 2])
    let update = try floats([2, 2, 2])
    let far = try Tensor([0, 3] as [Int64])
    #expect(code(TensorScatter(), [cache, update, far]) == .value)
    #expect(code(TensorScatter(), [cache, try floats([2, 5, 2]), nil]) == .shape)
    #expect(code(TensorScatter(axis: 0), [cache, update, nil]) == .attribute)
    let image = try Tensor([3, 3] as [Int64])
    let block = try Tensor([2, 2] as [Int64])
    #expect(code(Col2Im(), [try floats([1, 4, 5]), image, block]) == .shape)
    #expect(code(Col2Im(), [try floats([1, 6, 4]), image, block]) == .shape)
    #expect(code(SwiGLU(), [try floats([2]), try floats([1])]) == .shape)
  }

  /// Constant weights are packed, others are widened in each run: the same numbers either way, for
  /// any number of threads.
  @Test func packedWeightsGiveTheSame() throws {
    let x = try Tensor(
      shape: [3, 4, 19, 23], (0..<5244).map { UInt8(truncatingIfNeeded: $0 * 37) })
    let w = try Tensor(shape: [6, 2, 3, 3], (0..<108).map { Int8(truncatingIfNeeded: $0 * 29) })
    let zero = try Tensor(scalar: 11 as UInt8)
    let zeros = try Tensor([1, 2, -3, 4, -5, 6] as [Int8])
    let op = ConvInteger(
      window: Window(strides: [1, 2], padsBegin: [1, 2], padsEnd: [0, 1]), group: 2)
    let inputs: [Tensor?] = [x, w, zero, zeros]
    let pool = ThreadPool(threads: 3)
    let plain = try run(op, inputs, pool: pool)
    for threads in [1, 3] {
      let call = try #require(
        try Call(
          dynamic: op, inputs.map { $0.map { .tensor($0) } }, outputs: 1,
          options: .init(threads: threads), lasting: [false, true, true, true]))
      let values = try call.run(
        inputs.map { $0.map { .tensor($0) } }, Evaluation(inputs: [], pool: pool))
      let packed = try #require(try values.first??.asTensor())
      #expect(packed.rawBytes.elementsEqual(plain.rawBytes))
    }
  }
}
