import Graphs
import Operators
import Tensors
import Testing

/// Edges and errors of LinearAttention, CausalConvWithState, DeformConv, MaxRoiPool and halved
/// Softmax that reference vectors do not reach.
@Suite struct NewNetsEdgeTests {
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
  private func ones(_ shape: Shape) throws -> Tensor {
    try Tensor(shape: shape, [Float](repeating: 1, count: shape.count))
  }

  @Test func linearAttentionRefuses() throws {
    let (q, k) = (try ones([1, 2, 4]), try ones([1, 2, 2]))
    let plain = LinearAttention(.linear, queryHeads: 2, keyHeads: 1)
    let gated = LinearAttention(.gated, queryHeads: 2, keyHeads: 1)
    #expect(code { _ = try run(gated, [q, k, k], outputs: 2) } == .arity)
    #expect(code { _ = try run(plain, [q, k, k, nil, k], outputs: 2) } == .arity)
    #expect(code { _ = try run(plain, [q, try ones([1, 2, 3]), k], outputs: 2) } == .shape)
    #expect(code { _ = try run(plain, [q, k, k, try ones([1, 1, 2, 3])], outputs: 2) } == .shape)
    let wide = try ones([1, 2, 3])
    #expect(code { _ = try run(gated, [q, k, k, nil, wide], outputs: 2) } == .shape)
  }

  /// Without tokens the state is handed on.
  @Test func linearAttentionOfNothing() throws {
    let none = try Tensor(shape: [1, 0, 2], [] as [Float])
    let state = try Tensor(shape: [1, 1, 2, 2], [1, 2, 3, 4] as [Float])
    let y = try run(
      LinearAttention(.linear, queryHeads: 1, keyHeads: 1), [none, none, none, state], outputs: 2)
    #expect(y[0].shape == [1, 0, 2])
    #expect(try y[1].values(as: Float.self) == [1, 2, 3, 4])
  }

  /// A sequence in two parts gives what it gives in one.
  @Test func linearAttentionGoesOn() throws {
    func part(_ n: Int, _ from: Int, _ width: Int) throws -> Tensor {
      let first = from * width
      return try Tensor(
        shape: [1, n, width],
        (first..<first + n * width).map { Float(($0 * 7) % 11) * 0.1 - 0.5 })
    }
    let op = LinearAttention(.delta, queryHeads: 1, keyHeads: 1)
    func inputs(_ n: Int, _ from: Int, _ state: Tensor?) throws -> [Tensor?] {
      [
        try part(n, from, 2), try part(n, from, 2), try part(n, from, 3), state, nil,
        try part(n, from, 1),
      ]
    }
    let whole = try run(op, inputs(5, 0, nil), outputs: 2)
    let first = try run(op, inputs(3, 0, nil), outputs: 2)
    let second = try run(op, inputs(2, 3, first[1]), outputs: 2)
    let parts = try first[0].values(as: Float.self) + second[0].values(as: Float.self)
    #expect(try whole[0].values(as: Float.self) == parts)
    #expect(try whole[1].values(as: Float.self) == second[1].values(as: Float.self))
  }

  @Test func causalConvRefuses() throws {
    let x = try ones([1, 2, 3])
    let op = CausalConvWithState()
    #expect(code { _ = try run(op, [x, try ones([3, 1, 2])], outputs: 2) } == .shape)
    #expect(code { _ = try run(op, [x, try ones([2, 2, 2])], outputs: 2) } == .shape)
    #expect(code { _ = try run(op, [x, try ones([2, 1, 0])], outputs: 2) } == .shape)
    let weight = try ones([2, 1, 2])
    #expect(code { _ = try run(op, [x, weight, try ones([3])], outputs: 2) } == .shape)
    #expect(code { _ = try run(op, [x, weight, nil, try ones([1, 2, 2])], outputs: 2) } == .shape)
  }

  @Test func deformConvRefuses() throws {
    let (x, w) = (try ones([1, 2, 3, 3]), try ones([1, 2, 2, 2]))
    let offset = try ones([1, 8, 2, 2])
    #expect(code { _ = try run(DeformConv(), [x, w, try ones([1, 4, 2, 2])]) } == .shape)
    #expect(code { _ = try run(DeformConv(), [x, w, try ones([1, 8, 3, 2])]) } == .shape)
    #expect(code { _ = try run(DeformConv(group: 2), [x, w, offset]) } == .shape)
    #expect(code { _ = try run(DeformConv(offsetGroup: 3), [x, w, offset]) } == .shape)
    #expect(code { _ = try run(DeformConv(), [x, w, offset, nil, offset]) } == .shape)
  }

  /// Without offsets it is a convolution, in one and in three dimensions too.
  @Test(arguments: [[7], [5, 4], [3, 4, 3]]) func deformConvWithoutOffsets(_ sizes: [Int]) throws {
    let axes = sizes.count
    let kernel = [Int](repeating: 2, count: axes)
    let window = Window(
      strides: [Int](repeating: 1, count: axes - 1) + [2],
      padsBegin: [Int](repeating: 1, count: axes), padsEnd: [Int](repeating: 0, count: axes))
    func wave(_ dims: [Int]) throws -> Tensor {
      try Tensor(
        shape: Shape(dims), (0..<dims.reduce(1, *)).map { Float(($0 * 7) % 13) * 0.25 - 1 })
    }
    let (x, w) = (try wave([2, 2] + sizes), try wave([3, 2] + kernel))
    let want = try run(Conv(window: window), [x, w])[0]
    let taps = 1 << axes
    let output = want.shape.array.dropFirst(2)
    let offset = try Tensor(
      shape: Shape([2, taps * axes] + output),
      [Float](repeating: 0, count: 2 * taps * axes * output.reduce(1, *)))
    let got = try run(DeformConv(window: window), [x, w, offset])[0]
    #expect(got.shape == want.shape)
    for (a, b) in zip(try got.values(as: Float.self), try want.values(as: Float.self)) {
      #expect(abs(a - b) <= 1e-5)
    }
  }

  /// Places that are no numbers, or far away, read zero.
  @Test func deformConvOutside() throws {
    let x = try Tensor(shape: [1, 1, 3], [.infinity, 2, 3] as [Float])
    let w = try Tensor(shape: [1, 1, 1], [1] as [Float])
    let offset = try Tensor(shape: [1, 1, 3], [-1, .nan, 1e30] as [Float])
    #expect(try run(DeformConv(), [x, w, offset])[0].values(as: Float.self) == [0, 0, 0])
  }

  @Test func maxRoiPoolRefuses() throws {
    let x = try ones([1, 1, 4, 4])
    let op = MaxRoiPool(height: 2, width: 2)
    func region(_ values: [Float]) throws -> Tensor { try Tensor(shape: [1, 5], values) }
    for bad: Float in [1, -1, 0.5, .nan] {
      #expect(code { _ = try run(op, [x, try region([bad, 0, 0, 1, 1])]) } == .value)
    }
    #expect(code { _ = try run(op, [x, try region([0, 0, .infinity, 1, 1])]) } == .value)
    #expect(code { _ = try run(op, [x, try ones([1, 4])]) } == .shape)
    let far = try run(op, [x, try region([0, -3e38, -3e38, 3e38, 3e38])])
    #expect(far[0].count == 4)
  }

  @Test(arguments: [DType.float16, .bfloat16]) func softmaxOfHalves(_ dtype: DType) throws {
    let values = (0..<60).map { Float(($0 * 11) % 23) * 0.25 - 2 }
    let x = try Eager().apply(Cast(to: dtype), try Tensor(shape: [3, 4, 5], values))
    for axis in 0..<3 {
      let op = Softmax(SoftmaxAxis(axis))
      let y = try Eager().apply(Cast(to: .float32), try run(op, [x])[0])
      let want = try run(op, [try Eager().apply(Cast(to: .float32), x)])[0]
      let ulp: Float = dtype == .float16 ? 0x1p-11 : 0x1p-8
      for (a, b) in zip(try y.values(as: Float.self), try want.values(as: Float.self)) {
        #expect(abs(a - b) <= 3 * ulp * b, "\(axis)")
      }
    }
    let n = 70_000
    let flat = try Tensor(shape: [n], [Float16](repeating: 1, count: n))
    let y = try Eager().apply(
      Cast(to: .float32),
      try run(Softmax(), [try Eager().apply(Cast(to: dtype), flat)])[0])
    // The sum is beyond float16's range, the quotients are not.
    #expect(try y.values(as: Float.self).allSatisfy { abs($0 * Float(n) - 1) < 0.01 })
    let odd = try Eager().apply(
      Cast(to: dtype),
      try Tensor(shape: [3, 2], [1, .nan, -.infinity, -.infinity, .infinity, 0] as [Float]))
    let none = try Eager().apply(Cast(to: .float32), try run(Softmax(), [odd])[0])
    #expect(try none.values(as: Float.self).allSatisfy(\.isNaN))
    let empty = try Eager().apply(Cast(to: dtype), try Tensor(shape: [2, 0], [] as [Float]))
    #expect(try run(Softmax(), [empty])[0].count == 0)
  }
}
