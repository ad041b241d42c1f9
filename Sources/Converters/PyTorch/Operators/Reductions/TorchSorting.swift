import Graphs
import Operators
import Tensors

/// Order: sorting, the largest k, the median.
enum TorchSorting {
  static let operators: [TorchOperator] = [
    TorchOperator("aten.topk.default") { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim", -1), try c.rank(x))
      guard let k = try c.size("k") else { throw EngineError(.malformed, "'k' is missing") }
      return try top(
        c, x, k, axis, isLargest: try c.bool("largest", true), isSorted: try c.bool("sorted", true))
    },
    TorchOperator("aten.sort.default") { (c) throws(EngineError) in try sort(c) },
    TorchOperator("aten.sort.stable") { (c) throws(EngineError) in try sort(c) },
    TorchOperator("aten.argsort.default") { (c) throws(EngineError) in [try sort(c)[1]] },
    TorchOperator("aten.argsort.stable") { (c) throws(EngineError) in [try sort(c)[1]] },
    TorchOperator("aten.median.dim") { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim"), try c.rank(x))
      return try ranked(c, x, axis) { ($0 - 1) / 2 }
    },
    TorchOperator("aten.kthvalue.default") { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim", -1), try c.rank(x))
      let k = try c.int("k")
      return try ranked(c, x, axis) { _ in k - 1 }
    },
  ]

  private static func top(
    _ c: TorchCall, _ x: ValueID, _ k: TorchSize, _ axis: Int, isLargest: Bool, isSorted: Bool
  ) throws(EngineError) -> [TorchValue] {
    guard try c.rank(x) > 0 else { return [.tensor(x), .tensor(try c.builder.scalar(0))] }
    var data = x
    if try c.dtype(of: x) == .bool { data = try c.cast(x, .int32) }
    let results = try c.builder.apply(
      TopK(axis: axis, isLargest: isLargest, isSorted: isSorted),
      inputs: [data, try c.vector(k)], outputs: 2)
    return [.tensor(results[0]), .tensor(results[1])]
  }

  private static func sort(_ c: TorchCall) throws(EngineError) -> [TorchValue] {
    let x = try c.x()
    let rank = try c.rank(x)
    let axis = try c.axis(try c.int("dim", -1), rank)
    guard rank > 0 else { return [.tensor(x), .tensor(try c.builder.scalar(0))] }
    return try top(
      c, x, try c.size(of: x, axis), axis, isLargest: try c.bool("descending", false),
      isSorted: true)
  }

  /// The element at a place in ascending order.
  private static func ranked(
    _ c: TorchCall, _ x: ValueID, _ axis: Int, _ place: (Int) -> Int
  ) throws(EngineError) -> [TorchValue] {
    guard let count = try c.dims(x)[axis].known, count > 0 else {
      throw EngineError(.unsupported, "the size of the axis has to be known at conversion")
    }
    let at = place(count)
    guard at >= 0, at < count else { throw EngineError(.malformed, "'k' is out of range") }
    let sorted = try top(
      c, x, .known(at + 1), axis, isLargest: false, isSorted: true)
    let keepDims = try c.bool("keepdim", false)
    var results: [TorchValue] = []
    for case .tensor(let id) in sorted {
      let part = try c.sliced(id, axis, .known(at), .known(at + 1))
      results.append(.tensor(keepDims ? part : try c.squeezed(part, [axis])))
    }
    return results
  }
}
