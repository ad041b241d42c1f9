import Graphs
import Kernels
import Tensors

/// Which axes a reduction folds, and what becomes of them. The attributes of every Reduce
/// operator.
public struct ReduceAxes: Hashable, Sendable {
  /// The attribute of opsets before 18 (ReduceSum: 13); nil where the node has none.
  public var list: [Int]?
  /// Whether reduced axes stay with size 1.
  public var keepDims: Bool
  /// Whether no axes means none; all otherwise.
  public var noopWithEmptyAxes: Bool

  public init(_ list: [Int]? = nil, keepDims: Bool = true, noopWithEmptyAxes: Bool = false) {
    self.list = list
    self.keepDims = keepDims
    self.noopWithEmptyAxes = noopWithEmptyAxes
  }

  init(reading a: AttributeReader) throws(EngineError) {
    list = try a.optionalInts("axes")
    keepDims = try a.bool("keepdims", default: true)
    noopWithEmptyAxes = try a.bool("noop_with_empty_axes", default: false)
  }

  var attributes: [Attribute] {
    var result: [Attribute] = []
    if let list { result.append(.ints("axes", list)) }
    if !keepDims { result.append(.bool("keepdims", false)) }
    if noopWithEmptyAxes { result.append(.bool("noop_with_empty_axes", true)) }
    return result
  }

  /// `turn` is the opset in which the axes became an input.
  static func specs(turn: Int) -> [AttributeSpec] {
    [
      AttributeSpec(
        "axes", .ints, "axes to fold; default all; an input from opset \(turn)", before: turn),
      AttributeSpec("keepdims", .int, "1 (default): reduced axes stay with size 1"),
      AttributeSpec(
        "noop_with_empty_axes", .int, "1: no axes means none; default 0: all", since: turn),
    ]
  }

  /// For each of `rank` axes whether it is folded. `given` is the axes input, if there is one.
  ///
  /// Errors: `.attribute` for an axis out of range or named twice.
  func mask(rank: Int, given: [Int]?) throws(EngineError) -> [Bool] {
    let axes = given ?? list ?? []
    if axes.isEmpty { return [Bool](repeating: !noopWithEmptyAxes, count: rank) }
    var mask = [Bool](repeating: false, count: rank)
    for axis in axes {
      let i = try normalisedAxis(axis, rank: rank, name: "axes")
      guard !mask[i] else {
        throw EngineError(.attribute, "an axis is named twice", received: "axes \(axes)")
      }
      mask[i] = true
    }
    return mask
  }
}

/// What is common to all Reduce operators: they differ in what is folded and how it ends.
///
/// The types named `Reduce...` conform and add their fold; shapes, axes and dtypes are here.
/// Input `axes` is int64 `[n]`. Errors: `.attribute` for axes out of range or named twice.
/// Float16 and bfloat16 are folded in float32.
public protocol Reduce: Operator {
  var axes: ReduceAxes { get }
  init(_ axes: ReduceAxes)
  static var fold: Fold { get }
  static var finish: ReduceFinish { get }
}

/// What becomes of a folded value.
public enum ReduceFinish: Sendable { case none, mean, squareRoot, logarithm }

extension Reduce {
  public static var finish: ReduceFinish { .none }
  public init() { self.init(ReduceAxes()) }
  public init(reading a: AttributeReader) throws(EngineError) {
    self.init(try ReduceAxes(reading: a))
  }
  public var attributes: [Attribute] { axes.attributes }

  static func makeSchema(
    _ name: String, _ versions: [Int], _ types: DTypes, tolerance: Double = 1e-4,
    differentiable: Bool = true, turn: Int = 18
  ) -> Schema {
    Schema(
      name, versions: versions,
      inputs: [Parameter("data", types), .optional("axes", .int64, "", shape: true)],
      outputs: [Parameter("reduced", types)], attributes: ReduceAxes.specs(turn: turn),
      inputCounts: [1: 1...1, turn: 1...2], tolerance: tolerance,
      isDifferentiable: differentiable,
      cases: {
        let x = try Tensor(
          shape: [2, 3, 4], (0..<24).map { 0.3 + Float(($0 * 7) % 24) * 0.25 })
        return [
          .init(Self(ReduceAxes()), [x]),
          .init(Self(ReduceAxes(keepDims: false)), [x, try Tensor([1] as [Int64])]),
          .init(Self(ReduceAxes()), [x, try Tensor([0, -1] as [Int64])]),
          .init(Self(ReduceAxes(noopWithEmptyAxes: true)), [x]),
        ]
      })
  }

  /// Whether the axes are known: there is no axes input, or its values are at hand.
  private func given(_ c: Inference) -> (isKnown: Bool, axes: [Int]?) {
    guard c.has(1) else { return (true, nil) }
    if let ints = c.ints(1) { return (true, ints) }
    return (c.dims(1)?.first?.known == 0, [])
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    let (isKnown, given) = given(c)
    guard isKnown else {
      return [Fact(c.dtype(0), axes.keepDims ? c.unknown(rank: x.count) : nil)]
    }
    let mask = try axes.mask(rank: x.count, given: given)
    var dims: [Dim] = []
    for (i, d) in x.enumerated() {
      if !mask[i] { dims.append(d) } else if axes.keepDims { dims.append(1) }
    }
    var fact = Fact(c.dtype(0), dims)
    if let e = c.elements(0), x.count <= 1, mask.allSatisfy({ $0 }), !e.isEmpty {
      switch (Self.fold, Self.finish) {
      case (.product, .none): fact.elements = [e.dropFirst().reduce(e[0], *)]
      case (.sum, .none): fact.elements = [e.dropFirst().reduce(e[0], +)]
      case (.max, .none): fact.elements = [e.dropFirst().reduce(e[0], Dim.max)]
      case (.min, .none): fact.elements = [e.dropFirst().reduce(e[0], Dim.min)]
      default: break
      }
    }
    return [fact]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    if p.has(1), p.ints(1) == nil {
      throw EngineError(.internalDefect, "the axes are not known at preparation")
    }
    let plan = ReducePlan(x.shape, isReduced: try axes.mask(rank: x.shape.rank, given: p.ints(1)))
    let fold = Self.fold
    let finish = Self.finish
    let dtype = x.dtype
    let isReal = dtype == .float32 || dtype == .float64
    if !isReal && (fold == .logSumExp || finish == .squareRoot || finish == .logarithm) {
      guard dtype.isInteger else { throw p.noKernel() }
      return throughDouble(plan, x)
    }
    guard Fold.supports(dtype, fold) else { throw p.noKernel() }
    let reduced = plan.reducedCount
    let kept = plan.keptCount
    return Prepared(scratchBytes: plan.scratchBytes(dtype), label: "\(fold)") { m in
      plan.run(
        fold, dtype, UnsafeRawPointer(m.inputs[0]), into: m.outputs[0], scratch: m.scratch,
        pool: m.pool)
      FoldFinish.run(finish.step, dtype, m.outputs[0], count: kept, divisor: reduced)
    }
  }

  /// Roots and logarithms of integers: computed in double, truncated.
  private func throughDouble(_ plan: ReducePlan, _ x: TensorType) -> Prepared {
    let fold = Self.fold
    let finish = Self.finish
    let inBytes = (x.count * 8 + 63) / 64 * 64
    let outBytes = (plan.keptCount * 8 + 63) / 64 * 64
    let reduced = plan.reducedCount
    let kept = plan.keptCount
    let dtype = x.dtype
    let count = x.count
    return Prepared(
      scratchBytes: inBytes + outBytes + plan.scratchBytes(.float64), label: "\(fold) in float64"
    ) { m in
      let wide = m.scratch
      let result = m.scratch + inBytes
      FoldFinish.toDouble(dtype, m.inputs[0], wide, count: count)
      plan.run(
        fold, .float64, UnsafeRawPointer(wide), into: result, scratch: result + outBytes,
        pool: m.pool)
      FoldFinish.run(finish.step, .float64, result, count: kept, divisor: reduced)
      FoldFinish.fromDouble(dtype, result, m.outputs[0], count: kept)
    }
  }
}

extension ReduceFinish {
  var step: FoldFinish {
    switch self {
    case .none: .none
    case .mean: .divide
    case .squareRoot: .squareRoot
    case .logarithm: .logarithm
    }
  }
}
