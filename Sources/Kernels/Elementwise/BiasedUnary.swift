import Tensors

/// `y = f(x + bias)` over rows of `n` elements, the bias repeated along them; float32 or float64.
public struct BiasedUnary: Sendable {
  let kernel: UnaryKernel
  let isDouble: Bool
  let rows: Int
  let n: Int

  /// Nil where the function has no kernel for `dtype`, or it is neither float32 nor float64.
  public init?(_ op: UnaryOp, _ dtype: DType, rows: Int, n: Int) {
    guard dtype == .float32 || dtype == .float64, let kernel = UnaryKernel(op, dtype) else {
      return nil
    }
    self.kernel = kernel
    isDouble = dtype == .float64
    self.rows = rows
    self.n = n
  }

  /// `y` may be `x`.
  public func run(
    _ x: UnsafeRawPointer, bias: UnsafeRawPointer, into y: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    if isDouble { run(Double.self, x, bias, y, pool) } else { run(Float.self, x, bias, y, pool) }
  }

  private func run<T: BinaryFloatingPoint>(
    _: T.Type, _ x: UnsafeRawPointer, _ bias: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    _ pool: ThreadPool
  ) {
    let x = x.assumingMemoryBound(to: T.self)
    let bias = bias.assumingMemoryBound(to: T.self)
    let y = y.assumingMemoryBound(to: T.self)
    let each = max(1, 4096 / max(1, n))
    pool.run((rows + each - 1) / each) { piece in
      let first = piece * each
      let last = min(rows, first + each)
      for r in first..<last {
        let (from, to) = (x + r * n, y + r * n)
        for i in 0..<n { to[i] = from[i] + bias[i] }
      }
      kernel.run(count: (last - first) * n, y + first * n, y + first * n, .single)
    }
  }
}
