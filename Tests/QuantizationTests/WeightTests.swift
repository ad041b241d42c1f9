import Graphs
import Operators
import Runtime
import Tensors
import Testing

@testable import Quantization

@Suite struct WeightTests {
  static func numbers(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24) * 2 - 1
    }
  }

  @Test(arguments: [nil, 0, 1, 2]) func channelsAreOffByHalfAStep(_ axis: Int?) {
    let shape: Shape = [4, 3, 5]
    let w = Self.numbers(60)
    let q = ChannelWeights(w, shape: shape, axis: axis)
    #expect(q.scales.count == axis.map { shape[$0] } ?? 1)
    let largest = q.scales.max() ?? 0
    for (x, y) in zip(w, q.floats()) { #expect(abs(x - y) <= largest / 2 * 1.0001) }
    #expect(q.codes.contains { abs(Int($0)) == 127 })
  }

  @Test func floorsMakeRoomForBiases() {
    let q = ChannelWeights([0.5, 0, 0.25, 0], shape: [2, 2], axis: 0, floors: [0.1, 0])
    #expect(q.scales[0] == 0.1 && q.scales[1] == 0.25 / 127)
    #expect(ChannelWeights([0, 0], shape: [2], axis: nil).scales == [1])
  }

  @Test(arguments: [4, 8], [false, true]) func blocksAreOffByHalfAStep(
    _ bits: Int, _ symmetric: Bool
  ) {
    // The last block is short.
    let (k, n) = (40, 3)
    let w = Self.numbers(k * n)
    let q = BlockWeights(w, k: k, n: n, bits: bits, block: 16, symmetric: symmetric)
    #expect(q.blocks == 3 && q.scales.count == 9)
    let largest = q.scales.max() ?? 0
    // Rounding the zero point may move an end by half a step.
    for (x, y) in zip(w, q.floats()) { #expect(abs(x - y) <= largest * 1.001) }
  }

  @Test(arguments: [4, 8], [false, true]) func bothFormsAreTheSameProduct(
    _ bits: Int, _ symmetric: Bool
  ) throws {
    let (k, n) = (40, 5)
    let q = BlockWeights(
      Self.numbers(k * n), k: k, n: n, bits: bits, block: 16, symmetric: symmetric)
    let a = try Tensor(shape: [2, k], Self.numbers(2 * k, seed: 9))
    let nbits = try Self.run(
      MatMulNBits(bits: bits, k: k, n: n, block: 16),
      [a, q.nbitsCodes(), q.nbitsScales(), q.nbitsZeros()])
    let zeros = try q.zeroTensor()
    let w = try Self.run(
      DequantizeLinear(scales: QuantScales(axis: 0, block: 16)),
      [q.codeTensor(), q.scaleTensor(), zeros])
    #expect(Array(w.elements(Float.self)) == q.floats())
    let product = try Self.run(MatMul(), [a, w])
    for (x, y) in zip(nbits.elements(Float.self), product.elements(Float.self)) {
      #expect(abs(x - y) < 1e-4)
    }
  }

  /// One operator on constants.
  static func run(_ op: any Operator, _ inputs: [Tensor?]) throws -> Tensor {
    var graph = Graph()
    let schema = type(of: op).schema
    let ids = inputs.map { t in t.map { graph.addInitializer("", $0) } }
    let y = graph.addValue("y", Fact(.tensor(nil, nil)))
    graph.nodes = [
      Graph.Node(
        type: schema.name, domain: schema.domain, attributes: op.attributes, inputs: ids,
        outputs: [y])
    ]
    graph.outputs = [y]
    var model = ModelGraph(graph)
    model.opsets = [("", 21), ("com.microsoft", 1)]
    return try #require(try Session(model, options: .init(threads: 1)).run([:])[0])
  }

  @Test func theFactorIsOfTheInverse() throws {
    let n = 21
    let x = Self.numbers(n * n * 2).map(Double.init)
    var h = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0..<n {
        for r in 0..<2 * n { h[i * n + j] += x[r * n + i] * x[r * n + j] }
      }
      h[i * n + i] += 0.1
    }
    let u = try #require(InverseFactor(of: h, size: n))
    for i in 0..<n {
      for j in 0..<n {
        if j < i { #expect(u[i, j] == 0) }
        // U' U H = 1.
        var sum = 0.0
        for a in 0..<n {
          var inverse = 0.0
          for b in 0..<n { inverse += u[b, i] * u[b, a] }
          sum += inverse * h[a * n + j]
        }
        #expect(abs(sum - (i == j ? 1 : 0)) < 1e-8)
      }
    }
    #expect(InverseFactor(of: [1, 2, 2, 1], size: 2) == nil)
  }

  @Test(arguments: [16, 32, 256]) func gptqChangesOutputsLess(_ block: Int) throws {
    let (k, n, rows) = (160, 12, 400)
    // Inputs that go together: each column is mixed of few.
    let base = Self.numbers(rows * 8, seed: 3)
    let mix = Self.numbers(8 * k, seed: 4)
    let noise = Self.numbers(rows * k, seed: 5)
    var x = [Float](repeating: 0, count: rows * k)
    for r in 0..<rows {
      for j in 0..<k {
        var sum = noise[r * k + j] * 0.1
        for c in 0..<8 { sum += base[r * 8 + c] * mix[c * k + j] }
        x[r * k + j] = sum
      }
    }
    let hessian = try Hessian(threads: 1)
    let input = try Tensor(shape: [rows, k], x)
    try hessian.add(try input.rows(in: 0..<150))
    try hessian.add(try input.rows(in: 150..<rows))
    #expect(hessian.rows == rows)
    let w = Self.numbers(k * n, seed: 6)
    let near = BlockWeights(w, k: k, n: n, bits: 4, block: block, symmetric: false)
    let better = try #require(
      GPTQ.round(w, k: k, n: n, hessian, bits: 4, block: block, symmetric: false))
    func error(_ q: BlockWeights) -> Double {
      let f = q.floats()
      var sum = 0.0
      for r in 0..<rows {
        for c in 0..<n {
          var d = 0.0
          for j in 0..<k { d += Double(x[r * k + j]) * Double(w[j * n + c] - f[j * n + c]) }
          sum += d * d
        }
      }
      return sum
    }
    #expect(error(better) < error(near) / 3)
  }

  @Test func namesArePatterns() throws {
    let cases: [(String, String, Bool)] = [
      ("a/b", "a/b", true), ("a/b", "a", false), ("a/b", "a*", true), ("a/b", "*b", true),
      ("a/b/c", "a*c", true), ("ab", "a*b*b", false), ("a", "*a*", true), ("aa", "a*a", true),
      ("a", "a*a", false), ("xyz", "*y*", true), ("", "*", true),
    ]
    for (name, pattern, fits) in cases {
      #expect(LayerNames.matches(name, pattern) == fits, "\(name) \(pattern)")
    }
    #expect(LayerNames.distance("kitten", "sitting") == 3)
    #expect(LayerNames.nearest(["conv1", "conv2", "fc"], to: "cnv2").first == "conv2")
  }
}
