import Graphs
import Operators
import Tensors

/// Elements put or added at places along an axis.
enum TorchScatter {
  static let operators: [TorchOperator] = [
    .one("aten.scatter.src", inPlace: true) { (c) throws(EngineError) in
      try scatter(c, try c.x("src"), .none)
    },
    .one("aten.scatter.value", inPlace: true) { (c) throws(EngineError) in
      try scatter(c, try filled(c), .none)
    },
    .one("aten.scatter.reduce", inPlace: true) { (c) throws(EngineError) in
      try scatter(c, try c.x("src"), try reduction(c))
    },
    .one("aten.scatter.value_reduce", inPlace: true) { (c) throws(EngineError) in
      try scatter(c, try filled(c), try reduction(c))
    },
    .one("aten.scatter_add.default", inPlace: true) { (c) throws(EngineError) in
      try scatter(c, try c.x("src"), .add)
    },
    .one("aten.scatter_reduce.two", note: "sum, prod, amax, amin with include_self", inPlace: true)
    {
      (c) throws(EngineError) in
      guard try c.bool("include_self", true) else {
        throw EngineError(.unsupported, "scatter_reduce without include_self")
      }
      return try scatter(c, try c.x("src"), try reduction(c))
    },
    .one("aten.index_add.default", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim"), try c.rank(x))
      var source = try c.cast(try c.x("source"), try c.dtype(of: x))
      if let alpha = try c.number("alpha"), alpha.double != 1 {
        source = try c.mul(source, try c.constant(alpha, try c.dtype(of: x)))
      }
      return try rows(c, x, axis, source, .add)
    },
    .one("aten.index_copy.default", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      return try rows(
        c, x, try c.axis(try c.int("dim"), try c.rank(x)), try c.x("source"), .none)
    },
    .one("aten.index_fill.int_Scalar", inPlace: true) { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim"), try c.rank(x))
      let value = try c.value(try c.operand("value"), try c.dtype(of: x))
      var sizes = try c.sizes(of: x)
      sizes[axis] = try c.size(of: try c.x("index"), 0)
      return try rows(c, x, axis, try c.expanded(value, sizes), .none)
    },
  ]

  private static func filled(_ c: TorchCall) throws(EngineError) -> ValueID {
    let value = try c.value(try c.operand("value"), try c.dtype(of: try c.x()))
    return try c.expanded(value, try c.sizes(of: try c.x("index")))
  }

  private static func reduction(_ c: TorchCall) throws(EngineError) -> ScatterReduction {
    switch c.text("reduce", "") {
    case "sum", "add": return .add
    case "prod", "multiply": return .mul
    case "amax": return .max
    case "amin": return .min
    default: throw EngineError(.unsupported, "reduction '\(c.text("reduce", ""))'")
    }
  }

  /// The source beyond the index's sizes plays no part.
  private static func scatter(
    _ c: TorchCall, _ source: ValueID, _ reduction: ScatterReduction
  ) throws(EngineError) -> ValueID {
    let (x, index) = (try c.x(), try c.x("index"))
    var source = try c.cast(source, try c.dtype(of: x))
    let rank = try c.rank(x)
    guard rank > 0 else { return try c.reshaped(source, [Int]()) }
    let (have, want) = (try c.dims(source), try c.dims(index))
    for axis in 0..<rank where axis < have.count && axis < want.count && have[axis] != want[axis] {
      source = try c.sliced(source, axis, .known(0), try c.size(of: index, axis))
    }
    return try c.builder.apply(
      ScatterElements(axis: try c.axis(try c.int("dim"), rank), reduction: reduction), x, index,
      source)
  }

  /// Whole rows along `axis`, at the places of the call's index.
  private static func rows(
    _ c: TorchCall, _ x: ValueID, _ axis: Int, _ source: ValueID, _ reduction: ScatterReduction
  ) throws(EngineError) -> ValueID {
    var perm = Array(0..<(try c.rank(x)))
    perm.swapAt(0, axis)
    let indices = try c.unsqueezed(try c.cast(try c.x("index"), .int64), [1])
    let done = try c.builder.apply(
      ScatterND(reduction: reduction), try c.transposed(x, perm), indices,
      try c.transposed(try c.cast(source, try c.dtype(of: x)), perm))
    return try c.transposed(done, perm)
  }
}
