import Graphs
import Kernels
import Tensors

/// Every `step`-th element from `start` up to `end`, along some axes.
///
/// - `data`: any dtype of whole bytes, or strings; any shape. `starts`, `ends`, `axes`, `steps`:
///   int32 or int64 `[N]`, inputs from opset 10; `starts`, `ends`, `axes` attributes before.
///   Negative starts and ends count from the end of the axis, and both are clamped to it; `axes`
///   default to the first N, `steps` to 1; negative steps run backwards.
/// - Errors: `.value` for a step of 0, `.shape` when the lists differ in length, `.attribute` for
///   an axis out of range or named twice.
/// - Gradient: the upstream with zeros around and between.
/// - Source: ONNX Slice 1, 10 (inputs, steps), 11, 13.
public struct Slice: Operator {
  /// What attributes say in opset 9 and before.
  public let starts: [Int]?
  public let ends: [Int]?
  public let axes: [Int]?

  public static let schema = Schema(
    "Slice", versions: [1, 10, 11, 13],
    inputs: [
      Parameter("data", Expand.types), .optional("starts", .indices, "Tind", shape: true),
      .optional("ends", .indices, "Tind", shape: true),
      .optional("axes", .indices, "Tind", shape: true),
      .optional("steps", .indices, "Tind", shape: true),
    ],
    outputs: [Parameter("output", Expand.types)],
    attributes: [
      AttributeSpec(
        "starts", .ints, "first index along each axis; an input from opset 10", before: 10),
      AttributeSpec("ends", .ints, "index after the last; an input from opset 10", before: 10),
      AttributeSpec(
        "axes", .ints, "the axes; default the first ones; an input from opset 10", before: 10),
    ],
    inputCounts: [1: 1...1, 10: 3...5],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [3, 4], (1...12).map { Float($0) })
      func list(_ v: [Int64]) throws -> Tensor { try Tensor(v) }
      return [
        .init(Slice(), [x, try list([1, 0]), try list([3, -1])]),
        .init(Slice(), [x, try list([-1]), try list([2]), try list([-1])]),
        .init(Slice(starts: [1], ends: [2], axes: [1]), [x]),
      ]
    })

  public init(starts: [Int]? = nil, ends: [Int]? = nil, axes: [Int]? = nil) {
    self.starts = starts
    self.ends = ends
    self.axes = axes
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    starts = try a.optionalInts("starts")
    ends = try a.optionalInts("ends")
    axes = try a.optionalInts("axes")
    guard starts != nil && ends != nil || a.inputCount != 1 else {
      throw EngineError(.attribute, "required attributes 'starts' and 'ends' are missing")
    }
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if let starts { list.append(.ints("starts", starts)) }
    if let ends { list.append(.ints("ends", ends)) }
    if let axes { list.append(.ints("axes", axes)) }
    return list
  }

  /// What is taken along one axis: `count` elements from `start`, `step` apart.
  struct Cut: Equatable {
    var start: Int
    var step: Int
    var count: Int

    /// Clamps as the standard says. `step` is not 0.
    init(start: Int, end: Int, step: Int, size: Int) {
      let low = step > 0 ? 0 : -1
      let high = step > 0 ? size : size - 1
      let s = min(max(start < 0 ? start + size : start, step > 0 ? 0 : min(0, high)), high)
      let e = min(max(end < 0 ? end + size : end, low), high)
      let distance = step > 0 ? e - s : s - e
      let count = distance <= 0 ? 0 : (distance - 1) / Int(clamping: step.magnitude) + 1
      self.start = count == 0 ? 0 : s
      self.step = count <= 1 ? 1 : step
      self.count = count
    }
  }

  private func checkedSteps(_ steps: [Int]?, count: Int) throws(EngineError) -> [Int] {
    guard let steps else { return Array(repeating: 1, count: count) }
    guard steps.count == count else {
      throw EngineError(
        .shape, "steps has another length than starts", expected: "\(count)", received: "\(steps)")
    }
    for s in steps where s == 0 { throw EngineError(.value, "a step is 0", received: "\(steps)") }
    return steps
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    guard starts != nil || c.has(1) && c.has(2) else {
      throw EngineError(.arity, "inputs starts and ends are missing")
    }
    guard let x = c.dims(0) else { return [Fact(dtype, nil)] }
    let from = starts.map { $0.map { Dim($0) } } ?? c.elements(1)
    let to = ends.map { $0.map { Dim($0) } } ?? c.elements(2)
    let lengths = [from?.count, to?.count, c.dims(1)?.first?.known, c.dims(2)?.first?.known]
    let given = axes ?? (c.has(3) ? c.ints(3) : nil)
    guard let count = lengths.lazy.compactMap({ $0 }).first, given != nil || !c.has(3) else {
      return [Fact(dtype, c.unknown(rank: x.count))]
    }
    for length in lengths {
      if let length, length != count {
        throw EngineError(
          .shape, "starts and ends differ in length", expected: "\(count)", received: "\(length)")
      }
    }
    let list = given ?? Array(0..<count)
    guard list.count == count, count <= x.count else {
      throw EngineError(
        .shape, "starts, ends and axes do not fit the input", expected: "\(list.count) of \(x)",
        received: "\(count)")
    }
    let at = try normalisedAxes(list, rank: x.count)
    let steps: [Int]? =
      c.has(4)
      ? try c.ints(4).map { (s) throws(EngineError) in try checkedSteps(s, count: count) }
      : Array(repeating: 1, count: count)
    var dims = x
    for (i, axis) in at.enumerated() {
      guard let from, let to, let step = steps?[i] else {
        dims[axis] = c.unknown()
        continue
      }
      dims[axis] = cut(from[i], to[i], step, x[axis]) ?? c.unknown()
    }
    return carryElements(self, c, [Fact(dtype, dims)])
  }

  /// The number of elements taken of a size that may be symbolic; nil where it is not decided.
  private func cut(_ from: Dim, _ to: Dim, _ step: Int, _ size: Dim) -> Dim? {
    if let s = from.known, let e = to.known, let n = size.known {
      return Dim(Cut(start: s, end: e, step: step, size: n).count)
    }
    guard step > 0, let s = from.known else { return nil }
    let isOpen = to == size || (to.known ?? 0) >= Int(Int32.max)
    if s >= 0, isOpen {
      let rest = s == 0 ? size : Dim.max(0, size - Dim(s))
      return rest.dividedRoundingUp(by: Dim(step))
    }
    if s == 0, step == 1 {
      if let e = to.known { return e >= 0 ? Dim.min(size, to) : Dim.max(0, size + to) }
      return Dim.min(size, to)
    }
    return nil
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let y = try p.output(0)
    let rank = x.shape.rank
    let s: [Int]? = if let starts { starts } else { try p.shapeInts(1) }
    let e: [Int]? = if let ends { ends } else { try p.shapeInts(2) }
    let a: [Int]? = if let axes { axes } else { try p.shapeInts(3) }
    guard let s, let e, s.count == e.count else {
      throw EngineError(.shape, "starts and ends differ in length")
    }
    let at = try normalisedAxes(a ?? Array(0..<s.count), rank: rank)
    let steps = try checkedSteps(p.shapeInts(4), count: s.count)
    guard at.count == s.count else {
      throw EngineError(.shape, "axes has another length than starts", received: "\(at)")
    }
    let strides = x.shape.strides
    var sourceStrides = strides
    var offset = 0
    for (i, axis) in at.enumerated() {
      let cut = Cut(start: s[i], end: e[i], step: steps[i], size: x.shape[axis])
      offset += cut.start * strides[axis]
      sourceStrides[axis] = strides[axis] * cut.step
    }
    if x.shape == y.shape, sourceStrides == strides { return .view }
    let copy = StridedCopy(
      sizes: y.shape.array, sourceStrides: sourceStrides, targetStrides: y.shape.strides,
      elementBytes: x.dtype.byteSize, sourceOffset: offset, sourceCount: x.count,
      targetCount: y.count)
    // One stretch of the input, where what is taken lies side by side.
    let isStretch = zip(y.shape.array, zip(sourceStrides, y.shape.strides)).allSatisfy {
      $0 <= 1 || $1.0 == $1.1
    }
    let movement = isStretch ? Movement.parts([offset * x.dtype.byteSize]) : .none
    return Prepared(movement: movement, label: "slice") { m in
      copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool)
    }
  }

  /// A stretch of the input.
  public func atOnce(_ e: Evaluation) throws(EngineError) -> [Value?]? {
    guard starts == nil, case .tensor(let x)? = e.inputs.first, x.dtype != .string,
      !x.dtype.isPacked, let s = list(e, 1), let ends = list(e, 2), s.count == ends.count,
      !e.has(4) || list(e, 4)?.allSatisfy({ $0 == 1 }) ?? false
    else { return nil }
    let rank = x.shape.rank
    var dims = x.shape.array
    var offset = 0
    var seen = 0
    let strides = x.shape.strides
    let axes = e.has(3) ? list(e, 3) : Array(0..<s.count)
    guard let axes, axes.count == s.count else { return nil }
    for (i, given) in axes.enumerated() {
      let axis = given < 0 ? given + rank : given
      guard axis >= 0, axis < rank, seen >> axis & 1 == 0 else { return nil }
      seen |= 1 << axis
      let cut = Cut(start: s[i], end: ends[i], step: 1, size: dims[axis])
      dims[axis] = cut.count
      offset += cut.start * strides[axis]
    }
    // What is taken lies side by side where all axes behind the first of several are whole.
    var isWhole = true
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      guard isWhole || dims[axis] == 1 else { return nil }
      isWhole = isWhole && dims[axis] == x.shape[axis]
    }
    let type = TensorType(x.dtype, Shape(dims))
    let y = try e.allocate(type)
    y.bytes.copyMemory(
      from: x.storage.bytes + offset * x.dtype.byteSize, byteCount: type.byteCount)
    return [.tensor(Tensor(y))]
  }

  /// The numbers of a short list of places; nil where it is none.
  private func list(_ e: Evaluation, _ i: Int) -> [Int]? {
    guard i < e.inputs.count, case .tensor(let t)? = e.inputs[i], t.shape.rank == 1,
      t.count <= Shape.maxRank
    else { return nil }
    let from = UnsafeRawPointer(t.storage.bytes)
    switch t.dtype {
    case .int64:
      return (0..<t.count).map {
        Int(from.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self))
      }
    case .int32:
      return (0..<t.count).map {
        Int(from.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self))
      }
    default: return nil
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    try moveByPlaces(self, e)
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    // Whole stretches are padded back; anything else finds its places again.
    var from = starts
    if from == nil, g.has(1) { from = b.fact(of: try g.input(1)).knownInts }
    var given = axes
    if given == nil, g.has(3) { given = b.fact(of: try g.input(3)).knownInts }
    if let from, let type = b.fact(of: x).tensorType, !g.has(4), given != nil || !g.has(3),
      let part = b.fact(of: try g.upstream()).tensorType
    {
      let shape = type.shape
      var before = [Int](repeating: 0, count: shape.rank)
      for (i, axis) in try normalisedAxes(
        given ?? Array(0..<from.count), rank: shape.rank
      ).enumerated() {
        let start = from[i] < 0 ? from[i] + shape[axis] : from[i]
        before[axis] = min(max(start, 0), shape[axis] - part.shape[axis])
      }
      let behind = (0..<shape.rank).map { shape[$0] - part.shape[$0] - before[$0] }
      let pads = try b.constant(Tensor((before + behind).map { Int64($0) }))
      g.give(0, try b.apply(Pad(), g.upstream(), pads))
    } else {
      try scatterBack(b, self, &g)
    }
  }
}
