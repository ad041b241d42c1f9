import Graphs
import Kernels
import TestSupport
import Tensors
import Testing

@testable import Operators

/// Expected numbers are onnxruntime 1.32's, or the text's where that leaves none.
@Suite struct ClassicalTests {
  static let x: [Float] = [1, 2, -1, 0.5, 0.3, -2, 0, 0]

  private func run(_ op: any Operator, _ inputs: Value..., outputs: Int = 1) throws -> [Value] {
    try Eager().evaluate(op, inputs, outputs: outputs, runner: nil).map { try #require($0) }
  }
  private func rows() throws -> Value { .tensor(try Tensor(shape: [4, 2], Self.x)) }
  private func make(
    _ type: any Operator.Type, _ attributes: [Attribute], opset: Int = 1, inputs: Int = 1
  ) throws -> any Operator {
    try type.init(
      reading: AttributeReader(
        type.schema.name, opset: opset, attributes: attributes, inputCount: inputs))
  }
  private func check(_ value: Value, _ shape: Shape, _ want: [Float]) throws {
    let wrong = try difference(value.asTensor(), Tensor(shape: shape, want), rtol: 2e-6, atol: 1e-6)
    #expect(wrong == nil, "\(wrong ?? "")")
  }
  private func ints(_ value: Value) throws -> [Int64] {
    try value.asTensor().values(as: Int64.self)
  }

  @Test(
    arguments: [
      (.none, [0.09999996, 0.9, 0.95, 0.05, 1.44, -0.44, 0.9, 0.1]),
      (.softmax, [0.09999996, 0.9, 0.95, 0.05, 1.44, -0.44, 0.9, 0.1]),
      (
        .logistic,
        [
          0.28905052, 0.7109495, 0.48750257, 0.5124974, 0.608259, 0.39174098, 0.47502083,
          0.5249792,
        ]
      ),
    ] as [(ScoreTransform, [Float])])
  func oneRowOfCoefficientsDecidesTwoClasses(
    _ transform: ScoreTransform, _ scores: [Float]
  ) throws {
    let op = try LinearClassifier(
      [0.2, 0.3], intercepts: [0.1], labels: .ints([5, 7]), transform: transform)
    let got = try run(op, rows(), outputs: 2)
    #expect(try ints(got[0]) == [7, 7, 5, 7])
    try check(got[1], [4, 2], scores)
  }

  @Test func transformsScoresOfClasses() throws {
    func scores(_ transform: ScoreTransform) throws -> Value {
      let op = try LinearClassifier(
        [0.2, 0.3, -0.1, 0.4], intercepts: [0.1, 0.2], labels: .strings(["a", "b"]),
        transform: transform)
      let got = try run(op, rows(), outputs: 2)
      #expect(try got[0].asTensor().strings.suffix(3) == ["b", "a", "b"])
      return got[1]
    }
    try check(
      scores(.none), [4, 2], [0.9, 0.9, 0.05, 0.5, -0.44, -0.63, 0.1, 0.2])
    let soft: [Float] = [
      0.5, 0.5, 0.3893608, 0.6106393, 0.5473576, 0.45264238, 0.47502083, 0.5249792,
    ]
    try check(scores(.softmax), [4, 2], soft)
    try check(scores(.softmaxZero), [4, 2], soft)
    try check(
      scores(.logistic), [4, 2],
      [0.7109495, 0.7109495, 0.5124974, 0.6224593, 0.39174098, 0.34751058, 0.5249792, 0.549834])
    try check(
      scores(.probit), [4, 2],
      [1.2817132, 1.2817129, -1.6446697, 0, .nan, .nan, -1.2817129, -0.8417561])
  }

  @Test func regressesWithEveryInputType() throws {
    let op = try LinearRegressor([2, -1], intercepts: [0.5])
    for input in [
      try Tensor(shape: [2, 2], [1, 2, -3, 4] as [Float]),
      try Tensor(shape: [2, 2], [1, 2, -3, 4] as [Double]),
      try Tensor(shape: [2, 2], [1, 2, -3, 4] as [Int32]),
      try Tensor(shape: [2, 2], [1, 2, -3, 4] as [Int64]),
    ] {
      try check(run(op, .tensor(input))[0], [2, 1], [0.5, -9.5])
    }
    #expect(throws: EngineError.self) {
      try run(op, .tensor(Tensor(shape: [1, 3], [1, 2, 3] as [Float])))
    }
    #expect(throws: EngineError.self) { try LinearRegressor([1, 2, 3], targets: 2) }
  }

  /// More rows than a tile holds, not a multiple of it.
  @Test(arguments: [1, 84, 1008, 1009, 2500]) func manyRows(_ n: Int) throws {
    let features = 3
    let x = (0..<(n * features)).map { Float(($0 * 7) % 11) - 5 }
    let weights: [Float] = [1, -2, 0.5, 0, 3, -1]
    let op = try LinearRegressor(weights, targets: 2)
    let pool = ThreadPool(threads: 3)
    let got = try Eager(pool: pool, options: .init(threads: 3)).evaluate(
      op, [.tensor(Tensor(shape: [n, features], x))], outputs: 1, runner: nil)
    var want: [Float] = []
    for r in 0..<n {
      for t in 0..<2 {
        want.append((0..<3).reduce(0) { $0 + x[r * 3 + $1] * weights[t * 3 + $1] })
      }
    }
    try check(#require(got[0]), [n, 2], want)
  }

  @Test(
    arguments: [
      (.none, [-0.2945053, 0.2945053]), (.logistic, [0.42690128, 0.5730987]),
      (.softmax, [0.7054947, 0.2945053]),
    ] as [(ScoreTransform, [Float])])
  func machineOfTwoClasses(_ transform: ScoreTransform, _ first: [Float]) throws {
    let machine = try SVMMachine(
      SVMKernel(.rbf, gamma: 0.5), support: [1, 2, 3, 4], perClass: [1, 1],
      coefficients: [0.2, -0.3], rho: [0.1], classes: 2)
    let op = try SVMClassifier(machine, labels: .ints([5, 7]), transform: transform)
    let got = try run(op, rows(), outputs: 2)
    #expect(try ints(got[0]) == [5, 5, 5, 5])
    let z = try got[1].asTensor()
    try check(.tensor(Tensor(Array(z.values(as: Float.self).prefix(2)))), [2], first)
  }

  @Test func linearMachine() throws {
    let machine = try SVMMachine(
      SVMKernel(), coefficients: [0.2, -0.3, 0.3, 0.4], rho: [0.1], classes: 2)
    let got = try run(SVMClassifier(machine, labels: .ints([5, 7])), rows(), outputs: 2)
    #expect(try ints(got[0]) == [7, 7, 7, 7])
    try check(got[1], [4, 2], [-0.3, 1.2, -0.25, 0, 0.76, -0.61, 0.1, 0.1])
  }

  @Test func machinesThatDoNotFit() {
    func machine(_ rho: [Float], _ perClass: [Int], _ n: Int) throws {
      _ = try SVMMachine(
        SVMKernel(.rbf), support: [1, 2, 3, 4], perClass: perClass,
        coefficients: [Float](repeating: 1, count: n), rho: rho, classes: 2)
    }
    #expect(throws: Never.self) { try machine([0], [1, 1], 2) }
    #expect(throws: EngineError.self) { try machine([], [1, 1], 2) }
    #expect(throws: EngineError.self) { try machine([0], [1, -1], 2) }
    #expect(throws: EngineError.self) { try machine([0], [1, 2], 3) }
    #expect(throws: EngineError.self) { try machine([0], [1, 1], 1) }
    #expect(throws: EngineError.self) { try machine([0], [Int.max, Int.max], 2) }
  }

  /// Distances in SIMD against the plain sum, in every instruction set and panel remainder.
  @Test(arguments: [1, 31, 32, 33, 70]) func distances(_ vectors: Int) throws {
    let (rows, features) = (7, 5)
    let v = (0..<(vectors * features)).map { Float(($0 * 13) % 17) / 3 }
    let x = (0..<(rows * features)).map { Float(($0 * 5) % 19) / 7 - 1 }
    for lanes in LaneSet.allCases where lanes.rawValue <= LaneSet.best.rawValue {
      let d = try SquaredDistances(v, vectors: vectors, features: features, lanes: lanes)
      var out = [Float](repeating: -1, count: rows * vectors)
      d.run(rows: rows, x, into: &out)
      for r in 0..<rows {
        for j in 0..<vectors {
          let want = (0..<features).reduce(Float(0)) {
            let e = x[r * features + $1] - v[j * features + $1]
            return $0 + e * e
          }
          #expect(abs(out[r * vectors + j] - want) <= 1e-5 * want)
        }
      }
    }
  }

  @Test func normalises() throws {
    try check(
      run(Normalizer(.max), rows())[0], [4, 2], [0.5, 1, -2, 1, 1, -6.6666665, 0, 0])
    try check(
      run(Normalizer(.l1), rows())[0], [4, 2],
      [0.33333334, 0.6666667, -0.6666667, 0.33333334, 0.1304348, -0.86956525, 0, 0])
    try check(
      run(Normalizer(.l2), rows())[0], [4, 2],
      [0.4472136, 0.8944272, -0.8944272, 0.4472136, 0.14834045, -0.98893636, 0, 0])
  }
}
