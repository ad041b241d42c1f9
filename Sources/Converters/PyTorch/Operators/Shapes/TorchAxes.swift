import Graphs
import Operators
import Tensors

/// Axes added, taken away and put in another order.
enum TorchAxes {
  static let operators: [TorchOperator] = [
    .one("aten.unsqueeze.default", inPlace: true, isView: true) { (c) throws(EngineError) in
      let x = try c.x()
      return try c.unsqueezed(x, [try c.axis(try c.int("dim"), try c.rank(x) + 1)])
    },
    .one("aten.squeeze.default", inPlace: true, isView: true) { (c) throws(EngineError) in
      let x = try c.x()
      let axes = try c.dims(x).enumerated().filter { $0.element.known == 1 }.map(\.offset)
      return try c.squeezed(x, axes)
    },
    .one("aten.squeeze.dim", inPlace: true, isView: true, squeeze),
    .one("aten.squeeze.dims", inPlace: true, isView: true, squeeze),
    .one("aten.permute.default", isView: true, turn), .one("aten.permute_copy.default", turn),
    .one("aten.transpose.int", inPlace: true, isView: true, turn),
    .one("aten.swapaxes.default", isView: true, turn), .one("aten.t.default", isView: true, turn),
    .one("aten.numpy_T.default", isView: true, turn), .one("aten.mT.default", isView: true, turn),
    .one("aten.adjoint.default", isView: true, turn),
    .one("aten.movedim.int", isView: true, turn), .one("aten.movedim.intlist", isView: true, turn),
  ]

  @Sendable private static func squeeze(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let dims = try c.dims(x)
    var axes: Set<Int> = []
    for dim in try c.ints("dim") ?? [] {
      let axis = try c.axis(dim, dims.count)
      if axis < dims.count, dims[axis].known == 1 { axes.insert(axis) }
    }
    return try c.squeezed(x, axes.sorted())
  }

  @Sendable private static func turn(_ c: TorchCall) throws(EngineError) -> ValueID {
    let x = try c.x()
    let perm = try permutation(c, x)
    if perm == Array(0..<perm.count) { return x }
    let result = try c.transposed(x, perm)
    if perm == [1, 0] {
      c.graph.turned[result] = x
      c.graph.turned[x] = c.graph.turned[x] ?? result
    }
    return result
  }

  /// For each axis of the result the axis of `x` that it is.
  static func permutation(_ c: TorchCall, _ x: ValueID) throws(EngineError) -> [Int] {
    let rank = try c.rank(x)
    var perm = Array(0..<rank)
    switch c.node.target.split(separator: ".").dropFirst().first ?? "" {
    case "permute", "permute_copy":
      let dims = try c.ints("dims") ?? []
      guard dims.count == rank else {
        throw EngineError(.malformed, "'dims' does not fit the operand", received: "\(dims)")
      }
      for (i, dim) in dims.enumerated() { perm[i] = try c.axis(dim, rank) }
      guard perm.sorted() == Array(0..<rank) else {
        throw EngineError(.malformed, "'dims' is no permutation", received: "\(dims)")
      }
    case "transpose", "transpose_", "swapaxes":
      guard rank > 0 else { return perm }
      let first = try c.axis(try c.int(c.has("dim0") ? "dim0" : "axis0"), rank)
      let second = try c.axis(try c.int(c.has("dim1") ? "dim1" : "axis1"), rank)
      perm.swapAt(first, second)
    case "t", "numpy_T": perm.reverse()
    case "movedim": perm = try moved(c, rank)
    default:
      guard rank >= 2 else { return perm }
      perm.swapAt(rank - 1, rank - 2)
    }
    return perm
  }

  private static func moved(_ c: TorchCall, _ rank: Int) throws(EngineError) -> [Int] {
    var from: [Int] = []
    var to: [Int] = []
    for dim in try c.ints("source") ?? [] { from.append(try c.axis(dim, rank)) }
    for dim in try c.ints("destination") ?? [] { to.append(try c.axis(dim, rank)) }
    guard from.count == to.count, Set(from).count == from.count, Set(to).count == to.count else {
      throw EngineError(.malformed, "'source' and 'destination' do not fit")
    }
    var rest = (0..<rank).filter { !from.contains($0) }.makeIterator()
    var perm: [Int] = []
    for place in 0..<rank {
      if let i = to.firstIndex(of: place) {
        perm.append(from[i])
      } else if let next = rest.next() {
        perm.append(next)
      }
    }
    return perm
  }
}
