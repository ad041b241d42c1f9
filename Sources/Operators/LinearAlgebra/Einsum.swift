import Graphs
import Kernels
import Tensors

/// A sum of products in index notation: `ij,jk->ik` is the matrix product.
///
/// - `Inputs`: one or more of any one numeric dtype; integers wrap.
/// - `equation`: terms of letters split by commas, one an input, then `->` and the result's
///   letters; without an arrow the result has `...` and the letters that occur once, in
///   alphabetical order. `...` stands for further axes, which broadcast. A letter repeated in a
///   term takes the diagonal. An axis of size 1 broadcasts.
/// - Errors: `.attribute` for a bad equation, `.arity` and `.shape` for inputs that do not fit,
///   `.budget` for intermediate results beyond memory.
/// - Accuracy: float16 and bfloat16 in float32; sums in fixed lanes; deterministic.
/// - Cost: operands are taken from the left, two at a time; each product is a batched matrix
///   product over packed operands.
/// - Source: ONNX Einsum 12, 28.
public struct Einsum: Operator {
  public let equation: String
  let parsed: EinsumEquation

  public static let schema = Schema(
    "Einsum", versions: [12, 28], inputs: [.variadic("Inputs", .numeric)],
    outputs: [Parameter("Output", .numeric)],
    attributes: [AttributeSpec("equation", .string, "terms, commas and an arrow: ij,jk->ik")],
    inputCounts: [12: 1...Int.max],
    isDifferentiable: true,
    cases: {
      let a = try Tensor(shape: [2, 3], [1, -2, 3, 0.5, 4, -1] as [Float])
      let b = try Tensor(shape: [3, 2], [2, 1, 0.5, -1, 3, 4] as [Float])
      return [
        .init(try Einsum("ij,jk->ik"), [a, b]), .init(try Einsum("ij->ji"), [a]),
        .init(try Einsum("ij,jk,il->kl"), [a, b, a]),
        .init(
          try Einsum("ij,jj->"), [a, try Tensor(shape: [3, 3], (1...9).map { Float($0) / 3 })]),
        .init(
          try Einsum("...j,...k->...k"), [a, try Tensor(shape: [1, 2], [0.5, -2] as [Float])]),
      ]
    })

  /// Errors: `.attribute` for a bad equation.
  public init(_ equation: String) throws(EngineError) {
    self.equation = equation
    parsed = try EinsumEquation(equation)
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    guard a.has("equation") else {
      throw EngineError(.attribute, "required attribute 'equation' is missing")
    }
    try self.init(try a.string("equation", default: ""))
  }
  public var attributes: [Attribute] { [.string("equation", equation)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard c.inputs.count == parsed.terms.count else {
      throw EngineError(
        .arity, "the equation has another number of terms",
        expected: "\(parsed.terms.count) inputs", received: "\(c.inputs.count)")
    }
    var shapes: [[Dim]] = []
    for i in 0..<c.inputs.count {
      guard let dims = c.dims(i) else { return [Fact(c.dtype(0), nil)] }
      shapes.append(dims)
    }
    let (operands, result) = try parsed.labels(ranks: shapes.map(\.count))
    var sizes: [Int: Dim] = [:]
    for (labels, dims) in zip(operands, shapes) {
      for (label, d) in zip(labels, dims) {
        guard let old = sizes[label], old.known != 1 else {
          sizes[label] = d
          continue
        }
        if d.known == 1 || d == old { continue }
        if let n = old.known, let m = d.known {
          throw EngineError(
            .shape, "inputs disagree on the size of an axis of the equation '\(equation)'",
            expected: "\(n)", received: "\(m)")
        }
        if old.known == nil { sizes[label] = d }
      }
    }
    return [Fact(c.dtype(0), result.map { sizes[$0] ?? 1 })]
  }

  /// The products of operands taken from the left, each over the axes still needed.
  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    let shapes = inputs.compactMap { $0 }
    guard shapes.count == inputs.count, shapes.count == parsed.terms.count,
      let (operands, result) = try? parsed.labels(ranks: shapes.map(\.count))
    else { return nil }
    var sizes: [Int: Dim] = [:]
    for (labels, dims) in zip(operands, shapes) {
      for (label, d) in zip(labels, dims) where sizes[label] == nil || sizes[label]?.known == 1 {
        sizes[label] = d
      }
    }
    var cost: Dim = 0
    var left = Set(operands[0])
    for i in operands.indices.dropFirst() {
      let right = Set(operands[i])
      let later = Set(operands[(i + 1)...].joined()).union(result)
      let used = left.intersection(right).union(left.union(right).intersection(later))
      cost = cost + used.sorted().map { sizes[$0] ?? 1 }.product
      left = left.union(right).intersection(later)
    }
    return cost
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let dtype = try p.input(0).dtype
    guard isNumeral(dtype) else { throw p.noKernel() }
    var shapes: [Shape] = []
    for i in 0..<p.inputs.count { shapes.append(try p.input(i).shape) }
    let plan = try EinsumPlan(parsed, shapes, dtype: dtype)
    return Prepared(scratchBytes: plan.scratchBytes, label: "einsum \(plan.steps.count)") { m in
      plan.run(dtype, m)
    }
  }
}
