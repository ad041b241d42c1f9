import Graphs
import Operators
import Tensors

/// Short forms of the operators that layers are written with.
extension LayerCall {
  /// A constant of the dtype of `x`, without axes.
  func number(_ value: Double, like x: ValueID) throws(EngineError) -> ValueID {
    try b.constant(try Self.scalar(value, b.dtype(x) ?? dtype))
  }

  static func scalar(_ value: Double, _ dtype: DType) throws(EngineError) -> Tensor {
    switch dtype {
    case .float32: return try Tensor(scalar: Float(value))
    case .float64: return try Tensor(scalar: value)
    case .bool: return try Tensor(scalar: value != 0)
    case .float16, .bfloat16:
      return try Eager().apply(Cast(to: dtype), try Tensor(scalar: Float(value)))
    default:
      guard let n = Int64(exactly: value.rounded(.towardZero)) else {
        throw EngineError(.value, "a constant does not fit \(dtype)", received: "\(value)")
      }
      if dtype == .int64 { return try Tensor(scalar: n) }
      return try Eager().apply(Cast(to: dtype), try Tensor(scalar: n))
    }
  }

  func cast(_ x: ValueID, to dtype: DType) throws(EngineError) -> ValueID {
    b.dtype(x) == dtype ? x : try b.apply(Cast(to: dtype), x)
  }

  func add(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID { try b.apply(Add(), x, y) }
  func sub(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID { try b.apply(Sub(), x, y) }
  func mul(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID { try b.apply(Mul(), x, y) }
  func div(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID { try b.apply(Div(), x, y) }
  func add(_ x: ValueID, _ y: Double) throws(EngineError) -> ValueID {
    try add(x, try number(y, like: x))
  }
  func sub(_ x: ValueID, _ y: Double) throws(EngineError) -> ValueID {
    try sub(x, try number(y, like: x))
  }
  func mul(_ x: ValueID, _ y: Double) throws(EngineError) -> ValueID {
    try mul(x, try number(y, like: x))
  }
  func div(_ x: ValueID, _ y: Double) throws(EngineError) -> ValueID {
    try div(x, try number(y, like: x))
  }
  func neg(_ x: ValueID) throws(EngineError) -> ValueID { try b.apply(Neg(), x) }
  func max(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID { try b.apply(Max(), x, y) }
  func min(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID { try b.apply(Min(), x, y) }
  func matmul(_ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID {
    try b.apply(MatMul(), x, y)
  }
  func select(_ test: ValueID, _ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID {
    try b.apply(Where(), test, x, y)
  }
  func not(_ x: ValueID) throws(EngineError) -> ValueID { try b.apply(Not(), x) }
  /// `[lower, upper]`, either side open where nil.
  func clip(_ x: ValueID, _ lower: Double?, _ upper: Double?) throws(EngineError) -> ValueID {
    try b.apply(
      Clip(),
      inputs: [
        x, try lower.map { (n) throws(EngineError) in try number(n, like: x) },
        try upper.map { (n) throws(EngineError) in try number(n, like: x) },
      ])
  }

  /// A reduction over `axes`, which may be negative.
  func reduce<Op: Reduce>(
    _: Op.Type, _ x: ValueID, _ axes: [Int], keepDims: Bool = false
  ) throws(EngineError) -> ValueID {
    try b.apply(Op(ReduceAxes(keepDims: keepDims)), x, try b.ints(axes))
  }

  // MARK: Shapes

  /// Errors: `.shape` where the rank is not known.
  func rank(_ x: ValueID) throws(EngineError) -> Int { try dims(x).count }

  func dims(_ x: ValueID) throws(EngineError) -> [Dim] {
    guard let dims = b.dims(x) else {
      throw EngineError(.shape, "layer '\(name)': the rank of its input is not known")
    }
    return dims
  }

  /// A size that must be a known number.
  func size(_ x: ValueID, _ axis: Int) throws(EngineError) -> Int {
    let dims = try dims(x)
    let i = axis < 0 ? axis + dims.count : axis
    guard dims.indices.contains(i), let n = dims[i].known else {
      throw EngineError(
        .unsupported, "layer '\(name)': the size of axis \(axis) of its input must be known",
        received: "\(dims)", hint: "give the input a fixed shape")
    }
    return n
  }

  /// An axis counted from the front.
  ///
  /// Errors: `.malformed` for one out of range.
  func axis(_ axis: Int, rank: Int) throws(EngineError) -> Int {
    let i = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(i) else {
      throw EngineError(
        .malformed, "layer '\(name)' names an axis that does not exist", expected: "below \(rank)",
        received: "\(axis)")
    }
    return i
  }

  func transpose(_ x: ValueID, _ perm: [Int]) throws(EngineError) -> ValueID {
    perm == Array(perm.indices) ? x : try b.apply(Transpose(perm: perm), x)
  }

  /// Sizes as numbers, 0 to keep the size at that place, -1 for what is left.
  func reshape(_ x: ValueID, _ sizes: [Int]) throws(EngineError) -> ValueID {
    try b.apply(Reshape(), x, try b.ints(sizes))
  }

  /// Sizes perhaps symbolic: at most one becomes -1, others are computed from the tensors of `like`.
  func reshape(_ x: ValueID, dims: [Dim], like: [ValueID] = []) throws(EngineError) -> ValueID {
    if dims.filter({ $0.known == nil }).count <= 1 {
      return try reshape(x, dims.map { $0.known ?? -1 })
    }
    return try b.apply(Reshape(), x, try shape(dims, like: like + [x]))
  }

  /// The sizes as an int64 vector, symbols read off the tensors of `like`.
  func shape(_ dims: [Dim], like: [ValueID]) throws(EngineError) -> ValueID {
    if dims.allSatisfy({ $0.known != nil }) { return try b.ints(dims.map { $0.known ?? 0 }) }
    var parts: [ValueID] = []
    for dim in dims {
      if let n = dim.known {
        parts.append(try b.ints([n]))
        continue
      }
      var found: ValueID?
      for source in like {
        guard let axis = b.dims(source)?.firstIndex(of: dim) else { continue }
        found = try b.apply(ShapeOp(start: axis, end: axis + 1), source)
        break
      }
      guard let found else { throw unsupported("a size is not known: \(dim)") }
      parts.append(found)
    }
    return parts.count == 1 ? parts[0] : try b.apply(Concat(axis: 0), inputs: parts)
  }

  func squeeze(_ x: ValueID, _ axes: [Int]) throws(EngineError) -> ValueID {
    try b.apply(Squeeze(), x, try b.ints(axes))
  }
  func unsqueeze(_ x: ValueID, _ axes: [Int]) throws(EngineError) -> ValueID {
    try b.apply(Unsqueeze(), x, try b.ints(axes))
  }

  /// Elements `start..<end` of an axis, negative counted from the end; nil: to the end.
  func slice(
    _ x: ValueID, axis: Int, from start: Int, to end: Int? = nil, step: Int = 1
  ) throws(EngineError) -> ValueID {
    let end = end ?? (step > 0 ? Int(Int64.max) : Int(Int64.min))
    if start == 0, end == Int(Int64.max), step == 1 { return x }
    return try b.apply(
      Slice(),
      inputs: [x, try b.ints([start]), try b.ints([end]), try b.ints([axis]), try b.ints([step])])
  }

  /// The axis cut into parts of these sizes.
  func split(_ x: ValueID, axis: Int, _ sizes: [Int]) throws(EngineError) -> [ValueID] {
    if sizes.count == 1 { return [x] }
    return try b.apply(
      Split(axis: axis), inputs: [x, try b.ints(sizes)], outputs: sizes.count
    ).array
  }

  func concat(_ list: [ValueID], axis: Int) throws(EngineError) -> ValueID {
    if list.count == 1 { return list[0] }
    return try b.apply(Concat(axis: axis), inputs: list)
  }

  /// Constants around `x`: pairs of what is added before and behind, for the given axes.
  func pad(
    _ x: ValueID, _ pads: [(before: Int, after: Int)], axes: [Int], mode: Pad.Mode = .constant,
    value: Double = 0
  ) throws(EngineError) -> ValueID {
    if pads.allSatisfy({ $0.before == 0 && $0.after == 0 }) { return x }
    var (before, after) = ([Int](), [Int]())
    let rank = try rank(x)
    before = [Int](repeating: 0, count: rank)
    after = before
    for (pad, place) in zip(pads, axes) {
      let i = try axis(place, rank: rank)
      before[i] = pad.before
      after[i] = pad.after
    }
    let fill = value == 0 || mode != .constant ? nil : try number(value, like: x)
    return try b.apply(Pad(mode: mode), inputs: [x, try b.ints(before + after), fill])
  }

  // MARK: Layout

  /// Applies `change`, which treats all elements alike, where `x` lies channels first if it came
  /// from there, so that no transpose is left between neighbours.
  func pointwise(
    _ x: ValueID, _ change: (ValueID) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    guard let first = b.channelsFirstTwin(x) else { return try change(x) }
    return try b.channelsLast(try change(first))
  }
}
