import Graphs
import Kernels
import Tensors

/// The input with elements added before and behind it along each axis, or taken away.
///
/// - `data`: any dtype, any shape. `pads`: int64 `[2 * N]`, all befores, then all behinds; negative
///   ones take away. `constant_value`: one element, default zero or the empty string. `axes` (opset
///   18): int32 or int64 `[N]`, default all. Before opset 11, `pads` and `value` are attributes.
/// - `mode`: `constant` (default), `reflect` (mirrored without repeating the edge), `edge`, `wrap`
///   (opset 19). Negative pads are taken away first, and the rest is mirrored or repeated.
/// - Errors: `.shape` when `pads` does not fit, a size would be negative, or an empty axis is padded
///   in another mode than `constant`; `.attribute` for `axes` and `mode`.
/// - Gradient: of the mode `constant`, the part of the upstream that the input fills; else the
///   upstream added up at the places it came from. By `constant_value` the sum over what was added.
/// - Source: ONNX Pad 2, 11 (inputs), 13, 18 (`axes`), 19 (`wrap`), 21, 23, 24, 25.
public struct Pad: Operator {
  public enum Mode: String, Sendable { case constant, reflect, edge, wrap }
  public let mode: Mode
  /// What attributes say before opset 11.
  public let pads: [Int]?
  public let value: Float

  public static let schema = Schema(
    "Pad", versions: [1, 2, 11, 13, 18, 19, 21, 23, 24, 25],
    inputs: [
      Parameter("data", .all), .optional("pads", .int64, "", shape: true),
      .optional("constant_value", .all), .optional("axes", .indices, "Tind", shape: true),
    ],
    outputs: [Parameter("output", .all)],
    attributes: [
      AttributeSpec("mode", .string, "constant (default), reflect, edge or wrap"),
      AttributeSpec(
        "pads", .ints, "befores, then behinds; an input from opset 11", since: 2, before: 11),
      AttributeSpec("paddings", .ints, "the name of pads in opset 1", before: 2),
      AttributeSpec("value", .float, "the constant; an input from opset 11; default 0", before: 11),
    ],
    inputCounts: [1: 1...1, 11: 2...3, 18: 2...4],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], (1...6).map { Float($0) })
      let pads = try Tensor([0, 2, 1, -1] as [Int64])
      return [
        .init(Pad(), [x, pads, try Tensor(scalar: 9 as Float)]),
        .init(Pad(mode: .edge), [x, pads]),
        .init(Pad(mode: .reflect), [x, try Tensor([1, 2, 1, 2] as [Int64])]),
        .init(Pad(mode: .wrap), [x, try Tensor([1, 4, 1, 5] as [Int64])]),
        .init(Pad(pads: [1, 0, 0, 1], value: 2), [x]),
      ]
    })

  public init(mode: Mode = .constant, pads: [Int]? = nil, value: Float = 0) {
    self.mode = mode
    self.pads = pads
    self.value = value
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string("mode", default: "constant")
    guard let mode = Mode(rawValue: name) else {
      throw EngineError(
        .attribute, "attribute 'mode' has no legal value",
        expected: "constant, reflect, edge or wrap", received: "'\(name)'")
    }
    self.mode = mode
    pads = try a.optionalInts(a.has("pads") ? "pads" : "paddings")
    value = try a.float("value", default: 0)
    guard pads != nil || a.inputCount != 1 else {
      throw EngineError(.attribute, "required attribute 'pads' is missing")
    }
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = [.string("mode", mode.rawValue)]
    if let pads { list.append(.ints("pads", pads)) }
    if value != 0 { list.append(.float("value", value)) }
    return list
  }

  /// Pads before and behind for every axis.
  private func resolve<T>(
    _ pads: [T], axes: [Int]?, rank: Int, zero: T
  ) throws(EngineError) -> (before: [T], behind: [T]) {
    let at = try normalisedAxes(axes ?? Array(0..<rank), rank: rank)
    guard pads.count == 2 * at.count else {
      throw EngineError(
        .shape, "pads does not fit the axes", expected: "\(2 * at.count) numbers",
        received: "\(pads.count)")
    }
    var before = [T](repeating: zero, count: rank)
    var behind = before
    for (i, axis) in at.enumerated() {
      before[axis] = pads[i]
      behind[axis] = pads[at.count + i]
    }
    return (before, behind)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let x = c.dims(0) else { return [Fact(c.dtype(0), nil)] }
    let given: [Dim]? = if let pads { pads.map { Dim($0) } } else { c.elements(1) }
    guard pads != nil || c.has(1) else { throw EngineError(.arity, "input 1 (pads) is missing") }
    guard let given, !c.has(3) || c.ints(3) != nil else {
      return [Fact(c.dtype(0), c.unknown(rank: x.count))]
    }
    let (before, behind) = try resolve(given, axes: c.ints(3), rank: x.count, zero: Dim(0))
    var dims: [Dim] = []
    for axis in x.indices {
      let size = try settled(
        x[axis] + before[axis] + behind[axis], from: x[axis], before[axis], behind[axis])
      if mode != .constant, x[axis].known == 0, let n = size.known, n > 0 {
        throw EngineError(.shape, "axis \(axis) is empty and cannot be padded by \(mode)")
      }
      dims.append(size)
    }
    try checkSizes(dims)
    let facts = [Fact(c.dtype(0), dims)]
    return value == 0 ? carryElements(self, c, data: c.has(2) ? [0, 2] : [0], facts) : facts
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    if x.dtype.bits < 8 { return .dynamic }
    let rank = x.shape.rank
    let given: [Int]? = if let pads { pads } else { try p.shapeInts(1) }
    guard let given else { throw EngineError(.arity, "input 1 (pads) is missing") }
    let (before, behind) = try resolve(given, axes: p.shapeInts(3), rank: rank, zero: 0)
    // The window of the input that is left, and where it starts in the output.
    let low = before.map { max(0, -$0) }
    let high = (0..<rank).map { x.shape[$0] - max(0, -behind[$0]) }
    let size = x.dtype.byteSize
    if mode != .constant {
      var tables: [[Int]] = []
      for axis in 0..<rank {
        var table: [Int] = []
        for i in 0..<y.shape[axis] {
          table.append(
            low[axis] + place(i - max(0, before[axis]), of: high[axis] - low[axis]))
        }
        tables.append(table)
      }
      if y.count > 0, (0..<rank).contains(where: { high[$0] <= low[$0] }) {
        throw EngineError(.shape, "nothing is left of an axis to pad by \(mode)")
      }
      let gather = TableGather(sourceSizes: x.shape.array, tables: tables, elementBytes: size)
      return Prepared { m in gather.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool) }
    }
    let from = x.shape.strides
    let to = y.shape.strides
    let window = (0..<rank).map { max(0, high[$0] - low[$0]) }
    let isEmpty = window.contains(0)
    let copy = StridedCopy(
      sizes: window, sourceStrides: from, targetStrides: to, elementBytes: size,
      sourceOffset: isEmpty ? 0 : (0..<rank).reduce(0) { $0 + low[$1] * from[$1] },
      targetOffset: isEmpty ? 0 : (0..<rank).reduce(0) { $0 + max(0, before[$1]) * to[$1] },
      sourceCount: x.count, targetCount: y.count)
    let count = y.count
    let isWhole = copy.byteCount == y.byteCount
    let hasValue = p.has(2)
    if hasValue, try p.input(2).count != 1 {
      throw EngineError(
        .shape, "constant_value is not one element", received: "\(try p.input(2))")
    }
    let fallback = try element(value, x.dtype)
    return Prepared { m in
      if !isWhole {
        let fill =
          hasValue ? UnsafeRawPointer(m.inputs[2]) : UnsafeRawPointer(fallback.storage.bytes)
        Blocks.fill(m.outputs[0], with: fill, count: count, elementBytes: size)
      }
      copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool)
    }
  }

  /// The element of a window of `n` that stands at place `i`, which may lie outside it.
  private func place(_ i: Int, of n: Int) -> Int {
    if n <= 0 { return 0 }
    func modulo(_ i: Int, _ n: Int) -> Int { (i % n + n) % n }
    switch mode {
    case .edge, .constant: return min(max(i, 0), n - 1)
    case .wrap: return modulo(i, n)
    case .reflect:
      if n == 1 { return 0 }
      let j = modulo(i, 2 * (n - 1))
      return j < n ? j : 2 * (n - 1) - j
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(Pad(mode: mode, pads: pads), e, data: [0, 2])
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    if g.needs(2) {
      // What was added is the value, whatever the input holds.
      let x = try g.input(0)
      let one = try reshape(b, plus(b, scalar(b, 0, like: x), 1), like: g.input(2))
      var inputs = g.inputs.array
      inputs[0] = try zeros(b, like: x)
      inputs[2] = one
      let added = try times(b, g.upstream(), b.apply(self, inputs: inputs))
      let all = Array(0..<(try knownRank(b, x)))
      g.give(2, try reshape(b, sum(b, added, all, keepDims: false), like: g.input(2)))
    }
    guard mode == .constant else {
      try scatterBack(b, Pad(mode: mode, pads: pads), &g)
      return
    }
    if let pads {
      g.give(0, try b.apply(Pad(pads: pads.map { 0 - $0 }), g.upstream()))
    } else {
      let pads = try b.apply(Neg(), g.input(1))
      let axes: B.Value? = g.has(3) ? try g.input(3) : nil
      g.give(0, try b.apply(Pad(), inputs: [try g.upstream(), pads, nil, axes]))
    }
  }
}
