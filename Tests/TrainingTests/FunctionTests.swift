import Tensors
import Testing
import Training

/// Functions on tensors: values, shapes and gradients by central differences.
@Suite struct FunctionTests {
  typealias Function = @Sendable (Tensor) throws -> Tensor

  /// Differentiable functions of a [2, 3] or [2, 3, 4] tensor with elements in about 0.2...1.7.
  private static let smooth: [(String, Function)] = [
    ("negated", { try $0.negated() }), ("absolute", { try ($0 - 1).absolute() }),
    ("squareRoot", { try $0.squareRoot() }), ("reciprocal", { try $0.reciprocal() }),
    ("exp", { try $0.exp() }), ("log", { try $0.log() }), ("erf", { try $0.erf() }),
    ("sin", { try $0.sin() }), ("cos", { try $0.cos() }), ("tan", { try ($0 * 0.5).tan() }),
    ("asin", { try ($0 * 0.5).asin() }), ("acos", { try ($0 * 0.5).acos() }),
    ("atan", { try $0.atan() }), ("sinh", { try $0.sinh() }), ("cosh", { try $0.cosh() }),
    ("tanh", { try $0.tanh() }), ("asinh", { try $0.asinh() }),
    ("acosh", { try ($0 + 1).acosh() }), ("atanh", { try ($0 * 0.5).atanh() }),
    ("relu", { try ($0 - 1).relu() }), ("sigmoid", { try $0.sigmoid() }),
    ("softplus", { try $0.softplus() }), ("softsign", { try $0.softsign() }),
    ("mish", { try $0.mish() }), ("selu", { try ($0 - 1).selu() }),
    ("hardSwish", { try $0.hardSwish() }), ("silu", { try $0.silu() }),
    ("leakyRelu", { try ($0 - 1).leakyRelu(slope: 0.2) }), ("elu", { try ($0 - 1).elu() }),
    ("celu", { try ($0 - 1).celu(alpha: 0.7) }), ("gelu", { try $0.gelu() }),
    ("gelu by tanh", { try $0.gelu(approximate: true) }),
    ("hardSigmoid", { try $0.hardSigmoid() }), ("softShrink", { try $0.softShrink() }),
    ("hardShrink", { try $0.hardShrink() }), ("logSigmoid", { try $0.logSigmoid() }),
    ("hardTanh", { try $0.hardTanh() }), ("tanhShrink", { try $0.tanhShrink() }),
    ("squareplus", { try $0.squareplus() }), ("pow", { try $0.pow(2.5) }),
    ("power of a tensor", { try $0.pow($0) }), ("maximum", { try $0.maximum(1.01) }),
    ("minimum", { try $0.minimum($0 * $0) }), ("squared", { try $0.squared() }),
    ("rsqrt", { try $0.rsqrt() }), ("exp2", { try $0.exp2() }), ("log2", { try $0.log2() }),
    ("log10", { try $0.log10() }), ("log1p", { try $0.log1p() }), ("expm1", { try $0.expm1() }),
    ("clipped", { try $0.clipped(0.4, 1.2) }), ("hypot", { try $0.hypot($0 * 2 + 1) }),
    ("logAddExp", { try $0.logAddExp($0 * 2) }), ("lerp", { try $0.lerp($0 * $0, 0.3) }),
    ("sinc", { try $0.sinc() }), ("division", { try 2 / $0 - $0 / 3 }),
    ("sum", { try $0.sum(axes: [0]) }), ("mean", { try $0.mean(axes: [-1], keepDims: true) }),
    ("max", { try $0.max(axes: [1]) }), ("min", { try $0.min(axes: [1]) }),
    ("product", { try $0.product(axes: [1]) }), ("l1Norm", { try $0.l1Norm(axes: [0]) }),
    ("l2Norm", { try $0.l2Norm() }), ("logSumExp", { try $0.logSumExp(axes: [1]) }),
    ("sumOfSquares", { try $0.sumOfSquares() }),
    ("variance", { try $0.variance(axes: [1], correction: 1) }),
    ("standardDeviation", { try $0.standardDeviation(axes: [0]) }),
    ("sorted", { try $0.sorted(axis: 1) * $0 }), ("topK", { try $0.topK(2).values }),
    ("softmax", { try $0.softmax() }), ("logSoftmax", { try $0.logSoftmax(axis: 0) }),
    ("cumulativeSum", { try $0.cumulativeSum(axis: 1, reverse: true) }),
    ("reshape", { try $0.reshape([3, -1]) * 2 }), ("raveled", { try $0.raveled() }),
    ("transpose", { try $0.transpose() * 3 }), ("swapAxes", { try $0.swapAxes(0, 1) }),
    ("unsqueeze", { try $0.unsqueeze([1]) }), ("broadcast", { try $0.broadcast(to: [4, 2, 3]) }),
    ("tiled", { try $0.tiled([2, 1]) }), ("repeated", { try $0.repeated(2, axis: 1) }),
    ("slice", { try $0.slice(1, from: 0, to: 2) }), ("flipped", { try $0.flipped([1]) * $0 }),
    ("rolled", { try $0.rolled(1, axis: 1) * $0 }),
    ("padded", { try $0.padded([0, 1], [1, 2], value: 3) }),
    ("split", { try $0.split([1, 2], axis: 1)[1] }),
    ("triangleUpper", { try $0.triangleUpper() }), ("triangleLower", { try $0.triangleLower(1) }),
    ("concat", { try concat([$0, $0 * 2], axis: 1) }), ("stack", { try stack([$0, $0.exp()]) }),
    ("choose", { try choose($0.isGreater(than: 1), $0 * 2, $0.squared()) }),
    ("gather", { try $0.gather(Tensor([2, 0, 2] as [Int64]), axis: 1) }),
    ("element", { try $0.element(1, axis: 1) }),
    ("maskedFill", { try $0.maskedFill($0.isLess(than: 0.6), 9) }),
    ("matmul", { try $0.matmul($0.transpose()) }), ("dot", { try $0.dot($0.exp()) }),
    ("outer", { try $0.raveled().outer($0.raveled()) }),
    ("linear", { try $0.linear(Tensor.ones([3, 2], dtype: .float64) * 0.3, Tensor([0.1, 0.2])) }),
    ("diagonal", { try $0.matmul($0.transpose()).diagonal() }),
    ("trace", { try $0.matmul($0.transpose()).trace() }),
    ("segmentSum", { try $0.segmentSum(Tensor([1, 1] as [Int64]), count: 3) }),
    ("sumOf", { try sumOf([$0, $0 * 2, $0]) }), ("meanOf", { try meanOf([$0, $0 * 2]) }),
  ]

  @Test(arguments: smooth.indices) func gradients(index: Int) throws {
    let (name, f) = Self.smooth[index]
    let values = [0.31, 1.27, 0.83, 1.61, 0.52, 1.13]
    func loss(_ x: Tensor) throws -> Tensor {
      let y = try f(x)
      let weights = try Tensor(
        shape: y.shape, (0..<y.count).map { 1 + 0.25 * Double($0 % 7) })
      return try (y * weights).sum()
    }
    func at(_ v: [Double]) throws -> Tensor { try Tensor(shape: [2, 3], v) }
    let g = try gradient(at: at(values), of: loss).numbers()
    for i in values.indices {
      var (up, down) = (values, values)
      up[i] += 1e-6
      down[i] -= 1e-6
      let slope = (try loss(at(up)).scalar() - loss(at(down)).scalar()) / 2e-6
      #expect(abs(slope - g[i]) <= 1e-5 + 1e-3 * abs(slope), "\(name) by element \(i)")
    }
  }

  private func floats(_ t: Tensor) -> [Float] { Array(t.elements(Float.self)) }

  @Test func numbersTakeTheTensorsDType() throws {
    for dtype in [DType.float16, .bfloat16, .float32, .float64, .int32, .int64, .uint8] {
      let x = try Tensor([1, 2, 3] as [Float]).cast(to: dtype)
      #expect(try (x * 2 + 1).dtype == dtype)
      #expect(try (x * 2 + 1).numbers() == [3, 5, 7])
    }
    let error = #expect(throws: EngineError.self) { try Tensor([1] as [Int32]) * 0.5 }
    #expect(error?.code == .dtype)
  }

  @Test func creation() throws {
    #expect(try Tensor.zeros([2, 2]).numbers() == [0, 0, 0, 0])
    #expect(try Tensor.full([2], 1.5, dtype: .bfloat16).numbers() == [1.5, 1.5])
    #expect(try Tensor.identity(2, 3).numbers() == [1, 0, 0, 0, 1, 0])
    #expect(try Tensor.range(1, 2, by: 0.25).numbers() == [1, 1.25, 1.5, 1.75])
    #expect(try Tensor.linear(from: 0, to: 1, count: 5).numbers() == [0, 0.25, 0.5, 0.75, 1])
    #expect(throws: EngineError.self) { try Tensor.zeros([-1]) }
  }

  @Test func integersAndBools() throws {
    let x = try Tensor([3, -1, 2, 0] as [Float])
    #expect(try x.argMax(axis: 0).numbers() == [0])
    #expect(try x.argSorted(axis: 0).numbers() == [1, 3, 2, 0])
    #expect(try x.isGreater(than: 0).countNonZero().scalar() == 2)
    #expect(try x.isGreater(than: 0).any().isTrue())
    #expect(try !x.isGreater(than: 0).all().isTrue())
    #expect(try x.nonZero().numbers() == [0, 1, 2])
    #expect(try x.compressed(x.isGreaterOrEqual(to: 2), axis: 0).numbers() == [3, 2])
    #expect(try Tensor([2, 1, 2] as [Int64]).unique().numbers() == [1, 2])
    #expect(try Tensor([1, 0] as [Int64]).oneHot(3).numbers() == [0, 1, 0, 1, 0, 0])
    #expect(try (x / 0).isFinite().countNonZero().scalar() == 0)
    #expect(try (x / 0).nanToNum(7).numbers()[3] == 7)
  }

  @Test func productsAndImages() throws {
    let a = try Tensor([[1, 2], [3, 4]])
    #expect(try einsum("ij,kj->ik", a, a).numbers() == [5, 11, 11, 25])
    #expect(try a.determinant().scalar() == -2)
    let image = try Tensor.range(0, 16).reshape([1, 1, 4, 4])
    #expect(try image.maxPool([2, 2]).numbers() == [5, 7, 13, 15])
    #expect(try image.averagePool([2, 2]).numbers() == [2.5, 4.5, 10.5, 12.5])
    let k = try Tensor.ones([1, 1, 3, 3])
    #expect(try image.conv(k).numbers() == [45, 54, 81, 90])
    #expect(try image.conv(k, pads: [1, 1]).shape == [1, 1, 4, 4])
    #expect(try image.upsampled([2, 1]).shape == [1, 1, 8, 4])
    let wave = try Tensor([1, 0, -1, 0] as [Float]).reshape([1, 4, 1])
    let f = try wave.fourier(axis: 1)
    #expect(f.shape == [1, 4, 2])
    #expect(try f.numbers() == [0, 0, 2, 0, 0, 0, 2, 0])
  }

  /// The same seed gives the same numbers, and draws do not repeat.
  @Test func randomNumbers() throws {
    func draw() throws -> [[Double]] {
      [
        try Tensor.uniform([50]).numbers(), try Tensor.normal([50]).numbers(),
        try Tensor.uniform([50]).numbers(), try Tensor.permutation(20).numbers(),
      ]
    }
    let first = try withSeed(9) { try draw() }
    #expect(try withSeed(9) { try draw() } == first)
    #expect(first[0] != first[2])
    #expect(try withSeed(10) { try draw() }[0] != first[0])
    #expect(first[3].sorted() == (0..<20).map(Double.init))
    let many = try withSeed(1) { try Tensor.normal([20_000], mean: 2, deviation: 3) }
    #expect(abs(try many.mean().scalar() - 2) < 0.1)
    #expect(abs(try many.standardDeviation().scalar() - 3) < 0.1)
    let cut = try withSeed(1) { try Tensor.truncatedNormal([5000]).absolute().max().scalar() }
    #expect(cut <= 2 && cut > 1.9)
    let state = try withSeed(4) { () throws -> (RandomState, [Double], [Double]) in
      _ = try Tensor.uniform([3])
      let state = randomState
      let a = try Tensor.uniform([3]).numbers()
      randomState = state
      return (state, a, try Tensor.uniform([3]).numbers())
    }
    #expect(state.0.calls == 1)
    #expect(state.1 == state.2)
    let q = try withSeed(2) { try Tensor.orthogonal([3, 5], dtype: .float64) }
    let unit = try q.matmul(q.transpose()).numbers()
    for (x, y) in zip(unit, [1.0, 0, 0, 0, 1, 0, 0, 0, 1]) { #expect(abs(x - y) < 1e-12) }
  }

  @Test func dropout() throws {
    let x = try Tensor.ones([1000])
    #expect(try x.dropout(0.5).numbers() == x.numbers())
    let y = try withSeed(3) { try inTraining { try x.dropout(0.25) } }
    let kept = try y.numbers().filter { $0 > 0 }
    #expect(kept.allSatisfy { abs($0 - 4.0 / 3) < 1e-6 })
    #expect(abs(Double(kept.count) - 750) < 60)
    #expect(throws: EngineError.self) { try x.dropout(1) }
  }

  @Test func inPlaceKeepsOthers() throws {
    var a = try Tensor([1, 2] as [Float])
    let b = a
    try a += b
    #expect(floats(a) == [2, 4])
    #expect(floats(b) == [1, 2])
  }
}
