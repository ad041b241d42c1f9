import Formats
import Graphs
import Operators
import Tensors

/// Products of matrices and tensors.
extension OperationLayer {
  static let algebra: [String: Rule] = [
    "Matmul": { (c) throws(EngineError) in
      let xs = try c.pair()
      return .id(try c.matmul(xs[0], xs[1]))
    },
    "Dot": { (c) throws(EngineError) in
      let xs = try c.pair()
      let (m, n) = (try c.rank(xs[0]), try c.rank(xs[1]))
      if m == 0 || n == 0 { return .id(try c.mul(xs[0], xs[1])) }
      guard n <= 2 else { throw c.unsupported("dot with \(n) axes on the right") }
      return .id(try c.matmul(xs[0], xs[1]))
    },
    "Einsum": { (c) throws(EngineError) in
      let text = try c.config.string("subscripts").filter { $0 != " " }
      let list = try c.promoted(c.arguments.filter { $0.tensor != nil })
      if list.count == 2 { return .id(try c.einsum(text, list[0], list[1])) }
      return .id(try c.b.apply(try Einsum(text), inputs: list))
    },
    "Tensordot": { (c) throws(EngineError) in
      let xs = try c.pair()
      let (m, n) = (try c.rank(xs[0]), try c.rank(xs[1]))
      var (left, right) = ([Int](), [Int]())
      let value = c.plain(2, "axes") ?? 2
      if let items = KerasConfig.items(value), items.count == 2 {
        for (i, item) in items.enumerated() {
          for a in KerasConfig.items(item) ?? [item] {
            let place = try c.axis(try KerasConfig.int(a, "axes"), rank: i == 0 ? m : n)
            if i == 0 { left.append(place) } else { right.append(place) }
          }
        }
      } else {
        let count = try KerasConfig.int(value, "axes")
        guard (0...Swift.min(m, n)).contains(count) else { throw c.unsupported("its axes") }
        left = Array((m - count)..<m)
        right = Array(0..<count)
      }
      let letters = Array("abcdefghijklmnopqrstuvwxyz")
      guard left.count == right.count, m + n <= letters.count else {
        throw c.unsupported("its axes")
      }
      var first = letters[0..<m].map { $0 }
      var second = letters[m..<(m + n)].map { $0 }
      for (i, j) in zip(left, right) { second[j] = first[i] }
      let out =
        first.indices.filter { !left.contains($0) }.map { first[$0] }
        + second.indices.filter { !right.contains($0) }.map { second[$0] }
      first = first.map { $0 }
      return .id(
        try c.einsum("\(String(first)),\(String(second))->\(String(out))", xs[0], xs[1]))
    },
    "Outer": { (c) throws(EngineError) in
      let xs = try c.pair()
      let (x, y) = (try c.reshape(xs[0], [-1, 1]), try c.reshape(xs[1], [1, -1]))
      return .id(try c.mul(x, y))
    },
    "Det": { (c) throws(EngineError) in .id(try c.b.apply(Det(), try c.operand())) },
  ]
}
