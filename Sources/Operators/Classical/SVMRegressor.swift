import Graphs
import Kernels
import Tensors

/// Support vector regression, and the decision of a one-class machine.
///
/// - Formula: `Y[i] = sum_v coefficients[v] K(X[i], v) + rho`; with `one_class` 1 where that is
///   above 0 and -1 elsewhere. With `n_supports` 0: `X[i] . coefficients + rho`.
/// - `X`: float32, float64, int32 or int64, `[N, F]` or `[F]`, which is one row; taken in float32.
///   `Y`: float32 `[N, 1]`.
/// - `support_vectors`: `n_supports` rows of F. `coefficients`: one a support vector. `rho`: one
///   number; default 0. `kernel_type`, `kernel_params`: see `SVMKernel`.
/// - `post_transform` is read and kept and changes nothing, as in ONNX Runtime.
/// - Errors: `.attribute` when the lists do not fit each other, `.shape` when F does not fit.
/// - Source: ai.onnx.ml SVMRegressor 1; ONNX Runtime 1.32 where it leaves room.
public struct SVMRegressor: FormulaGradient {
  public let kernel: SVMKernel
  public let support: [Float]
  public let vectors: Int
  public let coefficients: [Float]
  public let rho: Float
  public let oneClass: Bool
  public let transform: ScoreTransform

  public static let schema = Schema(
    "SVMRegressor", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", Classical.numbers)],
    outputs: [Parameter("Y", DTypes(.float32), "")],
    attributes: [
      AttributeSpec("coefficients", .floats, "one for each support vector"),
      AttributeSpec("n_supports", .int, "support vectors; default 0: a linear model"),
      AttributeSpec("one_class", .int, "1: gives the side, 1 or -1; default 0"),
      ScoreTransform.spec, AttributeSpec("rho", .floats, "added to the sum"),
      AttributeSpec("support_vectors", .floats, "one row of features for each"),
    ] + SVMKernel.specs,
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 2], [1, -2, 3, 0.5, -1, 1] as [Float])
      let support: [Float] = [0.5, -1, 2, 0.25]
      func op(_ kernel: SVMKernel, oneClass: Bool = false) throws -> Schema.Case {
        .init(
          try SVMRegressor(
            kernel, support: support, vectors: 2, coefficients: [0.5, -2], rho: 0.75,
            oneClass: oneClass), [x])
      }
      return [
        try op(SVMKernel(.rbf, gamma: 0.25)), try op(SVMKernel()),
        try op(SVMKernel(.poly, gamma: 0.5, coef0: 1, degree: 3)),
        try op(SVMKernel(.sigmoid, gamma: 0.5, coef0: 0.1), oneClass: true),
        .init(try SVMRegressor(SVMKernel(), coefficients: [0.5, -1], rho: 1), [x]),
      ]
    })

  public init(
    _ kernel: SVMKernel, support: [Float] = [], vectors: Int = 0, coefficients: [Float],
    rho: Float = 0, oneClass: Bool = false, transform: ScoreTransform = .none
  ) throws(EngineError) {
    self.kernel = kernel
    self.support = support
    self.vectors = vectors
    self.coefficients = coefficients
    self.rho = rho
    self.oneClass = oneClass
    self.transform = transform
    guard vectors >= 0, !coefficients.isEmpty, vectors == 0 || coefficients.count == vectors else {
      throw EngineError(
        .attribute, "coefficients and support vectors differ in number",
        expected: "\(vectors)", received: "\(coefficients.count)")
    }
    guard vectors == 0 || support.count % vectors == 0 else {
      throw EngineError(
        .attribute, "the support vectors are cut short", expected: "a multiple of \(vectors)",
        received: "\(support.count)")
    }
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(
      SVMKernel(reading: a), support: a.floats("support_vectors", default: []),
      vectors: a.int("n_supports", default: 0), coefficients: a.floats("coefficients", default: []),
      rho: a.floats("rho", default: []).first ?? 0, oneClass: a.bool("one_class", default: false),
      transform: ScoreTransform(reading: a))
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = [
      .floats("coefficients", coefficients), .int("n_supports", vectors),
      .bool("one_class", oneClass), transform.attribute, .floats("rho", [rho]),
    ]
    if vectors > 0 { list.append(.floats("support_vectors", support)) }
    return list + kernel.attributes
  }

  private var features: Int { vectors == 0 ? coefficients.count : support.count / vectors }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let rows = try FeatureRows.sizes(c.dims(0), features: features)?.rows
    return [Fact(.float32, [rows ?? c.unknown(), 1])]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    outputs[0].map { $0.product * Dim(max(1, vectors)) * Dim(features + (vectors > 0 ? 1 : 0)) }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let sizes = try FeatureRows(x, floatsPerRow: vectors, threads: 1)
    let (vectors, rho, oneClass) = (vectors, rho, oneClass)
    func prepared(
      _ bytesPerPiece: (Int) -> Int,
      _ body:
        @escaping @Sendable (
          Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutableRawPointer
        ) -> Void
    ) throws(EngineError) -> Prepared {
      let rows = try FeatureRows(
        x, floatsPerRow: vectors, threads: p.options.threads, bytesPerPiece: bytesPerPiece)
      return Prepared(scratchBytes: rows.scratchBytes, label: "svm \(kernel.kind)") { m in
        let y = m.output(0, Float.self)
        rows.run(m.inputs[0], scratch: m.scratch, pool: m.pool) { range, x, scratch in
          let out = y + range.lowerBound
          body(range.count, x, out, scratch)
          if oneClass { for r in 0..<range.count { out[r] = out[r] > 0 ? 1 : -1 } }
        }
      }
    }
    if vectors == 0 {
      let scores = try LinearScores(
        weights: coefficients, outputs: 1, bias: [rho], rows: sizes)
      return try prepared { _ in
        scores.scratchBytes
      } _: { rows, x, y, scratch in
        scores.run(rows: rows, x, into: y, scratch: scratch)
      }
    }
    let matrix = try SVMKernelRows(kernel, support, vectors: vectors, rows: sizes)
    let weights = try Tensor(coefficients)
    return try prepared { rows in
      matrix.scratchBytes + rows * vectors * 4
    } _: { rows, x, y, scratch in
      let k = (scratch + matrix.scratchBytes).assumingMemoryBound(to: Float.self)
      matrix.run(rows: rows, x, into: k, scratch: scratch)
      Float.dots(
        rows, 1, vectors, k, vectors, weights.storage.bytes.assumingMemoryBound(to: Float.self),
        vectors, into: y, 1, adds: false)
      for r in 0..<rows { y[r] += rho }
    }
  }
}

extension SVMRegressor {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let x = inputs[0] else { throw EngineError(.arity, "the input is missing") }
    let y: B.Value
    if vectors == 0 {
      y = try linearScores(b, x, coefficients, rows: 1, intercepts: [rho])
    } else {
      let k = try kernel.expand(b, x, support, vectors: vectors)
      let weights = try b.constant(Tensor(shape: [vectors, 1], coefficients))
      y = try plus(b, b.apply(MatMul(), k, weights), Double(rho))
    }
    guard oneClass else { return Few(y) }
    return Few(
      try b.apply(Where(), isGreater(b, y, 0), scalar(b, 1, like: y), scalar(b, -1, like: y)))
  }
}
