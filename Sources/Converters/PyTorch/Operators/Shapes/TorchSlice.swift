import Graphs
import Operators
import Tensors

/// Parts of a tensor, and tensors with a part replaced.
enum TorchSlice {
  static let operators: [TorchOperator] = [
    .one("aten.slice.Tensor", isView: true) { (c) throws(EngineError) in try slice(c) },
    .one("aten.slice_copy.Tensor") { (c) throws(EngineError) in try slice(c) },
    .one("aten.select.int", isView: true) { (c) throws(EngineError) in try select(c) },
    .one("aten.select_copy.int") { (c) throws(EngineError) in try select(c) },
    .one("aten.narrow.default", isView: true) { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim"), try c.rank(x))
      let (start, length) = (try c.int("start"), try c.int("length"))
      let (end, overflow) = start.addingReportingOverflow(length)
      guard !overflow else { throw EngineError(.malformed, "'length' is out of range") }
      return try c.sliced(
        x, axis, .known(start), .known(start < 0 && end == 0 ? Int.max : end))
    },
    .one("aten.slice_scatter.default") { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim", 0), try c.rank(x))
      return try sliceScatter(c, x, try c.x("src"), axis)
    },
    .one("aten.select_scatter.default") { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim"), try c.rank(x))
      return try selectScatter(c, x, try c.x("src"), axis, try c.int("index"))
    },
    .one("aten.diff.default") { (c) throws(EngineError) in try difference(c) },
    .one("aten.diagonal.default", note: "the main one of matrices") { (c) throws(EngineError) in
      let x = try c.x()
      let rank = try c.rank(x)
      let first = try c.axis(try c.int("dim1", 0), rank)
      let second = try c.axis(try c.int("dim2", 1), rank)
      guard try c.int("offset", 0) == 0, rank >= 2, rank <= 8 else {
        throw EngineError(.unsupported, "a diagonal beside the main one")
      }
      let letters = Array("abcdefgh")
      var input = ""
      var output = ""
      for axis in 0..<rank {
        input.append(axis == first || axis == second ? "z" : letters[axis])
        if axis != first, axis != second { output.append(letters[axis]) }
      }
      return try c.builder.apply(try Einsum("\(input)->\(output)z"), x)
    },
  ]

  /// Neighbours subtracted from each other, `n` times over.
  private static func difference(_ c: TorchCall) throws(EngineError) -> ValueID {
    var x = try c.x()
    let axis = try c.axis(try c.int("dim", -1), try c.rank(x))
    var parts: [ValueID?] = [x]
    if let first = try c.optional("prepend") { parts.insert(first, at: 0) }
    if let last = try c.optional("append") { parts.append(last) }
    if parts.count > 1 { x = try c.builder.apply(Concat(axis: axis), inputs: parts) }
    let isBool = try c.dtype(of: x) == .bool
    let times = try c.int("n", 1)
    guard times >= 0, times <= 64 else { throw EngineError(.malformed, "'n' is out of range") }
    for _ in 0..<times {
      let upper = try c.sliced(x, axis, .known(1), .known(.max))
      let lower = try c.sliced(x, axis, .known(0), .known(-1))
      x = isBool ? try c.builder.apply(Xor(), upper, lower) : try c.sub(upper, lower)
    }
    return x
  }

  private static func slice(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let axis = try c.axis(try c.int("dim", 0), try c.rank(x))
    let start = try c.size("start") ?? .known(0)
    let end = try c.size("end") ?? .known(.max)
    let step = try c.int("step", 1)
    guard step > 0 else { throw EngineError(.malformed, "'step' is not positive") }
    if c.known(start) == 0, step == 1, isWhole(c, end, try c.dims(x)[axis]) { return x }
    return try c.sliced(x, axis, start, end, step: step)
  }

  /// Whether a slice's end is that of the axis.
  private static func isWhole(_ c: TorchCall, _ end: TorchSize, _ size: Dim) -> Bool {
    if let n = c.known(end) { return n == .max || size.known.map { n >= $0 } ?? false }
    return c.dim(end) == size
  }

  private static func select(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let axis = try c.axis(try c.int("dim"), try c.rank(x))
    guard let index = try c.size("index") else {
      throw EngineError(.malformed, "'index' is missing")
    }
    let place: ValueID
    if let n = c.known(index) {
      place = try c.builder.scalar(n)
    } else {
      place = try c.unsqueezed(try c.vector(index))
    }
    return try c.builder.apply(Gather(axis: axis), x, place)
  }

  /// `whole` with the part that the call's start, end and step name replaced.
  static func sliceScatter(
    _ c: TorchCall, _ whole: ValueID, _ part: ValueID, _ axis: Int
  ) throws(EngineError) -> ValueID {
    let dims = try c.dims(whole)
    let part = try c.cast(part, try c.dtype(of: whole))
    let start = try c.size("start") ?? .known(0)
    let end = try c.size("end") ?? .known(.max)
    let step = try c.int("step", 1)
    if c.known(start) == 0, step == 1, isWhole(c, end, dims[axis]) {
      return try c.expanded(part, try c.sizes(of: whole))
    }
    // The numbers of the rows that are replaced: those of the axis, cut as the slice cuts.
    guard step > 0 else { throw EngineError(.malformed, "'step' is not positive") }
    let all = try c.builder.apply(
      RangeOp(), try c.builder.scalar(0),
      try c.unsqueezed(try c.vector(try c.size(of: whole, axis))), try c.builder.scalar(1))
    let rows = try c.sliced(all, 0, start, end, step: step)
    return try replaced(c, whole, part, axis, rows)
  }

  static func selectScatter(
    _ c: TorchCall, _ whole: ValueID, _ part: ValueID, _ axis: Int, _ index: Int
  ) throws(EngineError) -> ValueID {
    let part = try c.unsqueezed(try c.cast(part, try c.dtype(of: whole)), [axis])
    return try replaced(c, whole, part, axis, try c.builder.ints([index]))
  }

  /// `whole` with rows along `axis` replaced. `rows`: int64 `[N]`.
  private static func replaced(
    _ c: TorchCall, _ whole: ValueID, _ part: ValueID, _ axis: Int, _ rows: ValueID
  ) throws(EngineError) -> ValueID {
    let rank = try c.rank(whole)
    var perm = Array(0..<rank)
    perm.swapAt(0, axis)
    let front = try c.transposed(whole, perm)
    let updates = try c.transposed(part, perm)
    let indices = try c.unsqueezed(rows, [1])
    let done = try c.builder.apply(ScatterND(), front, indices, updates)
    return try c.transposed(done, perm)
  }
}
