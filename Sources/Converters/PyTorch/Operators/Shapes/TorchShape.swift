import Graphs
import Operators
import Tensors

/// The same elements under other sizes.
enum TorchShape {
  static let operators: [TorchOperator] = [
    .one("aten.view.default", isView: true) { (c) throws(EngineError) in try shape(c, "size") },
    .one("aten._unsafe_view.default", isView: true) { (c) throws(EngineError) in
      try shape(c, "size")
    },
    .one("aten.view_copy.default") { (c) throws(EngineError) in try shape(c, "size") },
    .one("aten.reshape.default", isView: true) { (c) throws(EngineError) in
      try shape(c, "shape")
    },
    .one("aten.view_as.default", isView: true) { (c) throws(EngineError) in
      try c.reshaped(try c.x(), try c.sizes(of: try c.x("other")))
    },
    .one("aten.reshape_as.default") { (c) throws(EngineError) in
      try c.reshaped(try c.x(), try c.sizes(of: try c.x("other")))
    },
    .one("aten.flatten.using_ints", isView: true, flatten),
    .one("aten.ravel.default") {
      (c) throws(EngineError) in try c.reshaped(try c.x(), [-1])
    },
    .one("aten.unflatten.int", isView: true) { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim"), try c.rank(x))
      var sizes = try c.sizes(of: x)
      sizes.replaceSubrange(axis...axis, with: try c.sizes("sizes") ?? [])
      return try c.reshaped(x, sizes)
    },
    .one("aten.expand.default", isView: true) { (c) throws(EngineError) in
      try c.expanded(try c.x(), try c.sizes("size") ?? [])
    },
    .one("aten.expand_copy.default") { (c) throws(EngineError) in
      try c.expanded(try c.x(), try c.sizes("size") ?? [])
    },
    .one("aten.expand_as.default", isView: true) { (c) throws(EngineError) in
      try c.expanded(try c.x(), try c.sizes(of: try c.x("other")))
    },
    .one("aten.broadcast_to.default", isView: true) { (c) throws(EngineError) in
      try c.expanded(try c.x(), try c.sizes("size") ?? [])
    },
    .one("aten.repeat.default") { (c) throws(EngineError) in
      try tiled(c, try c.sizes("repeats") ?? [])
    },
    .one("aten.tile.default") { (c) throws(EngineError) in try tiled(c, try c.sizes("dims") ?? [])
    },
    .one("aten.as_strided.default", note: "where it keeps the order of elements", strided),
  ]

  /// Sizes with the strides that they have in memory: a reshape.
  @Sendable private static func strided(_ c: TorchCall) throws(EngineError) -> ValueID {
    let sizes = try c.sizes("size") ?? []
    let strides = try c.sizes("stride") ?? []
    var step: Dim = 1
    for (size, stride) in zip(sizes, strides).reversed() where c.known(size) != 1 {
      guard let n = c.dim(size), c.dim(stride) == step else {
        throw EngineError(.unsupported, "as_strided does not keep the order of elements")
      }
      step = step * n
    }
    guard try c.int("storage_offset", 0) == 0, sizes.count == strides.count else {
      throw EngineError(.unsupported, "as_strided begins within its operand")
    }
    return try c.reshaped(try c.x(), sizes)
  }

  private static func shape(_ c: TorchCall, _ name: String) throws(EngineError) -> ValueID {
    try c.reshaped(try c.x(), try c.sizes(name) ?? [])
  }

  @Sendable private static func flatten(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let rank = try c.rank(x)
    let first = try c.axis(try c.int("start_dim", 0), rank)
    let last = try c.axis(try c.int("end_dim", -1), rank)
    guard rank > 0 else { return try c.reshaped(x, [1]) }
    guard first <= last else { throw EngineError(.malformed, "flatten runs backwards") }
    if first == last { return x }
    if first == 1, last == rank - 1 { return try c.builder.apply(Flatten(), x) }
    let dims = try c.dims(x)
    let joined = dims[first...last].product
    var sizes: [TorchSize] = []
    for (axis, _) in dims.enumerated() where axis < first || axis > last {
      if axis == last + 1 { sizes.append(joined.known.map { .known($0) } ?? .known(-1)) }
      sizes.append(try c.size(of: x, axis))
    }
    if last == rank - 1 { sizes.append(joined.known.map { .known($0) } ?? .known(-1)) }
    return try c.reshaped(x, sizes)
  }

  private static func tiled(
    _ c: TorchCall, _ repeats: [TorchSize]
  ) throws(EngineError) -> ValueID {
    var x = try c.x()
    var repeats = repeats
    let rank = try c.rank(x)
    if repeats.count > rank {
      x = try c.unsqueezed(x, Array(0..<(repeats.count - rank)))
    } else {
      repeats = Array(repeating: .known(1), count: rank - repeats.count) + repeats
    }
    if repeats.allSatisfy({ $0.known == 1 }) { return x }
    return try c.builder.apply(Tile(), x, try c.vector(repeats))
  }
}
