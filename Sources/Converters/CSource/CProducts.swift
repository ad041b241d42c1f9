import Graphs
import Operators
import Tensors

/// Matrix products.
enum CProducts {
  static let operators: [String: COperators.Entry] = [
    "MatMul": .init { (b) throws(EngineError) in
      let layout = try Layout(b.input(0).shape, b.input(1).shape)
      let dtype = try b.input(0).dtype
      guard dtype == .float32 || dtype == .float64 else { throw b.refuse("not for \(dtype)") }
      let type = CType.name(dtype) ?? "float"
      layout.open(&b)
      b.line("\(type) sum = 0;")
      b.loop("k", layout.depth)
      b.line("sum += \(b.x(0))[\(layout.left)] * \(b.x(1))[\(layout.right)];")
      b.close()
      b.line("\(b.y())[\(layout.target)] = sum;")
      b.close(layout.loops)
    },
    "Gemm": .init { (b) throws(EngineError) in try gemm(&b) },
  ]

  /// Where the elements of two factors lie that are matrices, or stacks of them that broadcast.
  struct Layout {
    let rows: Int
    let columns: Int
    let depth: Int
    let left: String
    let right: String
    let target: String
    private let batch: CLoops
    var loops: Int { batch.sizes.count + 2 }

    init(_ a: Shape, _ b: Shape) throws(EngineError) {
      guard a.rank >= 1, b.rank >= 1 else {
        throw EngineError(.shape, "a factor is a scalar")
      }
      rows = a.rank > 1 ? a[a.rank - 2] : 1
      depth = a[a.rank - 1]
      columns = b.rank > 1 ? b[b.rank - 1] : 1
      let first = Shape(Array(a.array.dropLast(2)))
      let second = Shape(Array(b.array.dropLast(2)))
      let rank = max(first.rank, second.rank)
      let sizes = (0..<rank).map { i -> Int in
        let x = i - (rank - first.rank)
        let y = i - (rank - second.rank)
        return max(x >= 0 ? first[x] : 1, y >= 0 ? second[y] : 1)
      }
      let (m, k, n) = (rows, depth, columns)
      let result = Shape(sizes)
      let batch = CLoops(
        sizes,
        [
          CLoops.broadcast(first, to: sizes).map { $0 * m * k },
          CLoops.broadcast(second, to: sizes).map { $0 * k * n },
          CLoops.broadcast(result, to: sizes).map { $0 * m * n },
        ])
      func joined(_ which: Int, _ rest: [String]) -> String {
        let base = batch.index(which)
        return CLoops.sum((base == "0" ? [] : [base]) + rest)
      }
      self.batch = batch
      left = joined(0, [CLoops.term("row", k) ?? "0", "k"])
      right = joined(1, [CLoops.term("k", n) ?? "0", "column"])
      target = joined(2, [CLoops.term("row", n) ?? "0", "column"])
    }

    func open(_ b: inout CBody) {
      for axis in batch.sizes.indices {
        // The depth is called k.
        b.loop(batch.variable(axis), batch.sizes[axis])
      }
      b.loop("row", rows)
      b.loop("column", columns)
    }
  }

  private static func gemm(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? Gemm else { return }
    let (x, w, y) = (try b.input(0), try b.input(1), try b.output())
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let type = CType.name(x.dtype) ?? "float"
    let (m, n) = (y.shape[0], y.shape[1])
    let k = op.transA ? x.shape[0] : x.shape[1]
    b.loop("i", m)
    b.loop("j", n)
    b.line("\(type) sum = 0;")
    b.loop("k", k)
    let left = op.transA ? "k * \(m) + i" : "i * \(k) + k"
    let right = op.transB ? "j * \(k) + k" : "k * \(n) + j"
    b.line("sum += \(b.x(0))[\(left)] * \(b.x(1))[\(right)];")
    b.close()
    var text = op.alpha == 1 ? "sum" : "\(CType.number(Double(op.alpha), w.dtype)) * sum"
    if b.has(2), op.beta != 0 {
      let c = try b.input(2)
      let steps = CLoops.broadcast(c.shape, to: [m, n])
      let place = CLoops.sum(
        [CLoops.term("i", steps[0]), CLoops.term("j", steps[1])].compactMap { $0 })
      let added = "\(b.x(2))[\(place)]"
      text +=
        op.beta == 1 ? " + \(added)" : " + \(CType.number(Double(op.beta), w.dtype)) * \(added)"
    }
    b.line("\(b.y())[i * \(n) + j] = \(text);")
    b.close(2)
  }
}
