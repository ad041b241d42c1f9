import Graphs
import Operators
import Tensors

/// A tensor cut into parts along an axis.
enum TorchSplit {
  static let operators: [TorchOperator] = [
    TorchOperator("aten.split.Tensor", isView: true) { (c) throws(EngineError) in try equal(c) },
    TorchOperator("aten.split.sizes", isView: true) { (c) throws(EngineError) in
      try parts(c, try c.sizes("split_size") ?? [])
    },
    TorchOperator("aten.split_with_sizes.default", isView: true) { (c) throws(EngineError) in
      try parts(c, try c.sizes("split_sizes") ?? [])
    },
    TorchOperator("aten.split_with_sizes_copy.default") { (c) throws(EngineError) in
      try parts(c, try c.sizes("split_sizes") ?? [])
    },
    TorchOperator("aten.split_copy.Tensor") { (c) throws(EngineError) in try equal(c) },
    TorchOperator("aten.chunk.default", isView: true) { (c) throws(EngineError) in
      let count = try length(c)
      let chunks = try c.int("chunks")
      guard chunks > 0 else { throw EngineError(.malformed, "'chunks' is not positive") }
      return try parts(c, cut(count, max(1, (count + chunks - 1) / chunks)))
    },
    TorchOperator("aten.tensor_split.sections", isView: true) { (c) throws(EngineError) in
      let count = try length(c)
      let sections = try c.int("sections")
      guard sections > 0, sections <= 1 << 16 else {
        throw EngineError(.malformed, "'sections' is out of range")
      }
      return try parts(
        c, (0..<sections).map { .known(count / sections + ($0 < count % sections ? 1 : 0)) })
    },
    TorchOperator("aten.unbind.int", isView: true) { (c) throws(EngineError) in
      let x = try c.x()
      let axis = try c.axis(try c.int("dim", 0), try c.rank(x))
      let count = try length(c)
      guard count != 1 else { return [.tensor(try c.squeezed(x, [axis]))] }
      var results: [TorchValue] = []
      for case .tensor(let part) in try parts(c, cut(count, 1)) {
        results.append(.tensor(try c.squeezed(part, [axis])))
      }
      return results
    },
  ]

  /// The size of the axis that is cut.
  private static func length(_ c: TorchCall) throws(EngineError) -> Int {
    let x = try c.x()
    let dims = try c.dims(x)
    let axis = try c.axis(try c.int("dim", 0), dims.count)
    guard axis < dims.count, let count = dims[axis].known else {
      throw EngineError(.unsupported, "the size of the axis that is cut depends on the inputs")
    }
    return count
  }

  private static func cut(_ count: Int, _ size: Int) -> [TorchSize] {
    guard size > 0, count / size <= 1 << 16 else { return [.known(count)] }
    return stride(from: 0, to: max(count, 1), by: size).map { .known(min(size, count - $0)) }
  }

  private static func equal(_ c: TorchCall) throws(EngineError) -> [TorchValue] {
    let size = try c.int("split_size")
    guard size > 0 else { throw EngineError(.malformed, "'split_size' is not positive") }
    return try parts(c, cut(try length(c), size))
  }

  private static func parts(
    _ c: TorchCall, _ sizes: [TorchSize]
  ) throws(EngineError) -> [TorchValue] {
    let x = try c.x()
    let axis = try c.axis(try c.int("dim", 0), try c.rank(x))
    if sizes.count == 1 { return [.tensor(x)] }
    let results = try c.builder.apply(
      Split(axis: axis), inputs: [x, try c.vector(sizes)], outputs: sizes.count)
    return results.array.map { .tensor($0) }
  }
}
