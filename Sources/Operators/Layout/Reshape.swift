import Graphs
import Tensors

/// The same elements in the same order under another shape; shares memory.
///
/// - `data`: any dtype, any shape. `shape`: int64 `[rank]`, an attribute before opset 5; 0 copies the input's size at that
///   axis (unless `allowzero`), one -1 takes what is left.
/// - Errors: `.shape` when the element counts differ, two sizes are -1, or 0 names an axis that
///   the input lacks.
/// - Gradient: the upstream under the input's shape.
/// - Source: ONNX Reshape 1, 5, 13, 14, 19, 21, 23, 24, 25.
public struct Reshape: Operator {
  /// Whether 0 means an empty axis instead of the input's size.
  public let allowZero: Bool
  /// The shape where it is an attribute, before opset 5.
  public let fixed: [Int]?

  public static let schema = Schema(
    "Reshape", versions: [1, 5, 13, 14, 19, 21, 23, 24, 25],
    inputs: [Parameter("data", .all), .optional("shape", .int64, "", shape: true)],
    outputs: [Parameter("reshaped", .all)],
    attributes: [
      AttributeSpec("allowzero", .int, "1: a 0 in shape is a size; default 0", since: 14),
      AttributeSpec("shape", .ints, "the shape; an input from opset 5", before: 5),
      AttributeSpec("consumed_inputs", .ints, "before opset 5; not used", before: 5),
    ],
    inputCounts: [1: 1...1, 5: 2...2],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float])
      return [
        .init(Reshape(), [x, try Tensor([3, 2] as [Int64])]),
        .init(Reshape(), [x, try Tensor([0, -1, 1] as [Int64])]),
        .init(
          Reshape(allowZero: true),
          [try Tensor(shape: [0, 3], [] as [Float]), try Tensor([3, 0] as [Int64])]),
        .init(Reshape(fixed: [3, -1]), [x]),
      ]
    })

  public init(allowZero: Bool = false, fixed: [Int]? = nil) {
    self.allowZero = allowZero
    self.fixed = fixed
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    allowZero = try a.bool("allowzero", default: false)
    fixed = try a.optionalInts("shape")
    guard fixed != nil || a.inputCount != 1 else {
      throw EngineError(.attribute, "required attribute 'shape' is missing")
    }
  }
  public var attributes: [Attribute] {
    (allowZero ? [.bool("allowzero", true)] : []) + (fixed.map { [.ints("shape", $0)] } ?? [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard fixed != nil || c.has(1) else {
      throw EngineError(.arity, "required input 1 (shape) is missing")
    }
    guard let target = fixed?.map({ Dim($0) }) ?? c.elements(1) else {
      // The number of elements of `shape` is the rank.
      let rank = c.dims(1)?.first?.known
      return [Fact(c.dtype(0), rank.map { c.unknown(rank: $0) })]
    }
    let x = c.dims(0)
    var dims: [Dim] = []
    var open: Int?
    for (i, d) in target.enumerated() {
      if d.known == -1 {
        guard open == nil else {
          throw EngineError(.shape, "shape has more than one -1", received: "\(target)")
        }
        open = i
        dims.append(1)
      } else if d.known == 0 && !allowZero {
        guard let x else {
          dims.append(c.unknown())
          continue
        }
        guard i < x.count else {
          throw EngineError(
            .shape, "shape has 0 at axis \(i), which the input lacks",
            received: "input \(x), shape \(target)")
        }
        dims.append(x[i])
      } else if let n = d.known, n < 0 {
        throw EngineError(.shape, "negative size in shape", received: "\(target)")
      } else {
        dims.append(d)
      }
    }
    if let x {
      let count = x.reduce(1, *)
      let rest = dims.reduce(1, *)
      if let open {
        if rest.known == 0 {
          throw EngineError(
            .shape, "-1 beside a size of 0 is ambiguous", received: "\(target)")
        }
        dims[open] = count / rest
        if let n = count.known, let m = rest.known, n % m != 0 {
          throw EngineError(
            .shape, "the elements do not divide into the shape", expected: "a multiple of \(m)",
            received: "\(n) elements of \(x) for \(target)")
        }
      } else if let n = count.known, let m = rest.known, n != m {
        throw EngineError(
          .shape, "the shape has another number of elements", expected: "\(n) as in \(x)",
          received: "\(m) in \(target)")
      }
    } else if let open {
      dims[open] = c.unknown()
    }
    return [Fact(.tensor(c.dtype(0), dims), elements: c.elements(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared { .view }

  /// Only strings come here; other dtypes are views.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    let facts = try infer(
      Inference(inputs: [Fact(x.type)] + (fixed == nil ? [Fact(constant: try e.tensor(1))] : [])))
    guard let type = facts[0].tensorType else {
      throw EngineError(.shape, "the shape is not settled")
    }
    return [.tensor(try x.reshaped(type.shape))]
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    g.give(0, try reshape(b, g.upstream(), like: g.input(0)))
  }
}
