import Graphs
import Kernels
import Tensors

/// What the two skip normalisations share.
enum SkipNorm {
  static let types = DTypes(.float32, .float16, .bfloat16)
  static let outputs: [Parameter] = [
    Parameter("output", types), .optional("mean", DTypes(.float32), "U"),
    .optional("inv_std_var", DTypes(.float32), "U"), .optional("input_skip_bias_sum", types),
  ]
  static let epsilonSpec = AttributeSpec(
    "epsilon", .float, "added to the variance, 0 or more; default 1e-12")

  static func caseInputs() throws -> (Tensor, Tensor, Tensor) {
    (
      try Tensor(shape: [2, 3, 4], (0..<24).map { Float(($0 * 7) % 24) * 0.3 - 2 }),
      try Tensor(shape: [1, 3, 4], (0..<12).map { Float(($0 * 5) % 12) * 0.4 - 1 }),
      try Tensor([1, 0.5, 2, -1] as [Float])
    )
  }

  static func readEpsilon(_ a: AttributeReader) throws(EngineError) -> Float {
    let epsilon = try a.float("epsilon", default: 1e-12)
    guard epsilon >= 0 else {
      throw EngineError(
        .attribute, "attribute 'epsilon' is out of range", expected: "0 or more",
        received: "\(epsilon)")
    }
    return epsilon
  }

  static func infer(_ c: Inference, vectors: [Int]) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    guard let x = c.dims(0) else {
      return [Fact(dtype, nil), Fact(.float32, nil), Fact(.float32, nil), Fact(dtype, nil)]
    }
    guard x.count == 2 || x.count == 3 else {
      throw EngineError(
        .shape, "input has the wrong rank", expected: "2 or 3", received: "\(x)")
    }
    if let skip = c.dims(1) {
      let tail = x.suffix(skip.count)
      let fits = zip(skip, tail).enumerated().allSatisfy { (i, pair) in
        let (a, b) = (pair.0, pair.1)
        return a.known == nil || b.known == nil || a == b
          || (i == 0 && skip.count == 3 && a.known == 1)
      }
      guard (2...x.count).contains(skip.count), fits else {
        throw EngineError(
          .shape, "skip does not fit the input", expected: "\(x), or one entry of it",
          received: "\(skip)")
      }
    }
    for i in vectors { try checkRowBias(x, c.dims(i), "input \(i)") }
    let moments = Fact(.float32, x.dropLast() + [1])
    return [Fact(dtype, x), moments, moments, Fact(dtype, x)]
  }

  /// The kernel for inputs that `infer` passed.
  static func prepare(
    _ p: Preparation, epsilon: Float, shift: Int?, bias: Int, centers: Bool
  ) throws(EngineError) -> Prepared {
    for case let t? in p.inputs where t.dtype != .float32 { throw p.noKernel() }
    let (x, skip) = (try p.input(0).shape, try p.input(1).shape)
    let n = x[x.rank - 1]
    let rows = x.count(of: 0..<x.rank - 1)
    let kernel = SkipNormalize(
      rows: n == 0 ? 0 : rows, n: n, skipRows: max(1, skip.count(of: 0..<skip.rank - 1)),
      epsilon: epsilon, centers: centers)
    let shiftAt = shift.flatMap { p.has($0) ? $0 : nil } ?? -1
    let biasAt = p.has(bias) ? bias : -1
    let (wantsY, wantsMean, wantsInverse) = (p.wants(0), p.wants(1), p.wants(2))
    let wantsSum = p.wants(3)
    return Prepared(
      scratchBytes: wantsY ? 0 : x.count * 4, label: centers ? "skip norm" : "skip rms norm"
    ) { m in
      kernel.run(
        .init(
          x: m.input(0), skip: m.input(1), gain: m.input(2),
          shift: shiftAt < 0 ? nil : m.input(shiftAt), bias: biasAt < 0 ? nil : m.input(biasAt),
          output: wantsY ? m.output(0) : m.scratch.assumingMemoryBound(to: Float.self),
          mean: wantsMean ? m.output(1) : nil, inverse: wantsInverse ? m.output(2) : nil,
          sum: wantsSum ? m.output(3) : nil),
        pool: m.pool)
    }
  }
}

extension SkipNorm {
  /// What the kernel computes, with other operators.
  static func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int, epsilon: Float, shift: Int?, bias: Int,
    centers: Bool
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0], let skip = inputs[1], let gain = inputs[2] else {
      throw EngineError(.arity, "an input is missing")
    }
    var z = try plus(b, x, skip)
    if bias < inputs.count, let offset = inputs[bias] { z = try plus(b, z, offset) }
    let axes = [try knownRank(b, x) - 1]
    let center = try centers ? mean(b, z, axes) : times(b, sum(b, z, axes), 0)
    let distance = try centers ? minus(b, z, center) : z
    let square = try mean(b, times(b, distance, distance), axes)
    let inverse = try b.apply(Reciprocal(), b.apply(Sqrt(), plus(b, square, Double(epsilon))))
    var y = try times(b, times(b, distance, inverse), gain)
    if let at = shift, at < inputs.count, let offset = inputs[at] { y = try plus(b, y, offset) }
    let results = [
      y, try b.apply(Cast(to: .float32), center), try b.apply(Cast(to: .float32), inverse), z,
    ]
    return Few(Array(results.prefix(outputs)))
  }
}
