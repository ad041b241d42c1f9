import Graphs
import Operators
import Tensors

/// Poolings that say what size comes out.
enum TorchAdaptivePooling {
  static let operators: [TorchOperator] = TorchOperator.joined(each(1), each(2), each(3), core)

  private static func each(_ n: Int) -> [TorchOperator] {
    [
      .one("aten.adaptive_avg_pool\(n)d.default") { (c) throws(EngineError) in
        try average(c, n)
      },
      TorchOperator("aten.adaptive_max_pool\(n)d.default", note: "sizes that divide") {
        (c) throws(EngineError) in [.tensor(try largest(c, n)), .none]
      },
    ]
  }

  private static let core: [TorchOperator] = [
    .one("aten._adaptive_avg_pool2d.default") { (c) throws(EngineError) in try average(c, 2) },
    .one("aten._adaptive_avg_pool3d.default") { (c) throws(EngineError) in try average(c, 3) },
  ]

  /// The sizes that go in and come out; those that stay come out as they are.
  private static func plan(
    _ c: TorchCall, _ x: ValueID, _ n: Int
  ) throws(EngineError) -> (from: [Int], to: [Int])? {
    let wanted = try c.sizes("output_size") ?? []
    guard wanted.count == n || wanted.count == 1 else {
      throw EngineError(.malformed, "'output_size' does not fit the operator")
    }
    let dims = try c.dims(x).suffix(n)
    var (from, to): ([Int], [Int]) = ([], [])
    for (i, dim) in dims.enumerated() {
      let size = wanted[wanted.count == 1 ? 0 : i]
      if c.dim(size) == dim {
        // Nothing changes along this axis, whatever its size.
        from.append(dim.known ?? 1)
        to.append(dim.known ?? 1)
        continue
      }
      guard let n = c.known(size), n > 0 else {
        throw EngineError(.unsupported, "'output_size' depends on the inputs")
      }
      guard let size = dim.known else { return nil }
      from.append(size)
      to.append(n)
    }
    return (from, to)
  }

  private static func isGlobal(_ c: TorchCall, _ n: Int) throws(EngineError) -> Bool {
    try c.spatial("output_size", n, 1).allSatisfy { $0 == 1 }
  }

  private static func images(
    _ c: TorchCall, _ n: Int, _ body: (ValueID) throws(EngineError) -> ValueID
  ) throws(EngineError) -> ValueID {
    let x = try c.x()
    guard try c.rank(x) == n + 1 else { return try body(x) }
    return try c.squeezed(try body(try c.unsqueezed(x, [0])), [0])
  }

  private static func average(_ c: TorchCall, _ n: Int) throws(EngineError) -> ValueID {
    if try isGlobal(c, n) {
      return try images(c, n) { (x) throws(EngineError) in
        try c.builder.apply(GlobalAveragePool(), x)
      }
    }
    return try images(c, n) { (x) throws(EngineError) in
      guard let (from, to) = try plan(c, x, n) else {
        throw EngineError(.unsupported, "the sizes that are pooled depend on the inputs")
      }
      if from == to { return x }
      if let window = window(from, to) { return try c.builder.apply(AveragePool(window), x) }
      // Windows of several sizes: along each axis a product with the matrix of their weights.
      var y = x
      for i in 0..<n where from[i] != to[i] {
        let matrix = try c.cast(
          try c.builder.constant(try weights(from[i], to[i])), try c.dtype(of: x))
        let (axis, last) = (i + 2, n + 1)
        var perm = Array(0...last)
        perm.swapAt(axis, last)
        y = try c.transposed(
          try c.builder.apply(MatMul(), try c.transposed(y, perm), matrix), perm)
      }
      return y
    }
  }

  private static func largest(_ c: TorchCall, _ n: Int) throws(EngineError) -> ValueID {
    let names = c.node.outputs.flatMap(\.names)
    if names.count > 1, c.graph.isUsed(names[1]) {
      throw EngineError(.unsupported, "the places of adaptive max pooling")
    }
    if try isGlobal(c, n) {
      return try images(c, n) { (x) throws(EngineError) in
        try c.builder.apply(GlobalMaxPool(), x)
      }
    }
    return try images(c, n) { (x) throws(EngineError) in
      guard let (from, to) = try plan(c, x, n), let window = window(from, to) else {
        throw EngineError(.unsupported, "sizes that do not divide")
      }
      return from == to ? x : try c.builder.apply(MaxPool(window), x)
    }
  }

  /// Equal windows side by side; nil where the sizes do not divide.
  private static func window(_ from: [Int], _ to: [Int]) -> Window? {
    guard zip(from, to).allSatisfy({ $0 % $1 == 0 && $0 >= $1 }) else { return nil }
    let kernel = zip(from, to).map { $0 / $1 }
    return Window(kernel: kernel, strides: kernel)
  }

  /// `[from, to]`: window i spans from `floor(i * from / to)` to `ceil((i + 1) * from / to)`.
  private static func weights(_ from: Int, _ to: Int) throws(EngineError) -> Tensor {
    guard from > 0, from <= 1 << 14, to <= 1 << 12 else {
      throw EngineError(.budget, "the sizes of adaptive pooling are too large")
    }
    var values = [Float](repeating: 0, count: from * to)
    for i in 0..<to {
      let (start, end) = (i * from / to, ((i + 1) * from + to - 1) / to)
      for j in start..<end { values[j * to + i] = 1 / Float(end - start) }
    }
    return try Tensor(shape: [from, to], values)
  }
}
