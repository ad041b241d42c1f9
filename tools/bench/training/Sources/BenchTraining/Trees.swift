import DLTrain

/// A binary tree over words.
indirect enum Tree {
  case word(Int)
  case pair(Tree, Tree)

  /// A tree of `leaves` words, split at random places: those of `tools/peers-training/draws.py`.
  static func drawn(_ key: Int, leaves: Int, _ next: inout Int, words: Int) -> Tree {
    let bits = Draws.bits(key, next)
    next += 1
    if leaves == 1 { return .word(Int(bits >> 33) % words) }
    let left = 1 + Int(bits >> 33) % (leaves - 1)
    let a = drawn(key, leaves: left, &next, words: words)
    return .pair(a, drawn(key, leaves: leaves - left, &next, words: words))
  }

  var height: Int {
    switch self {
    case .word: 0
    case .pair(let a, let b): 1 + max(a.height, b.height)
    }
  }
}

/// Trees as tables: nodes of one height are computed together, each a row of what was computed
/// before. Row 0 is zeros; tables are padded with it to a width that fits every batch.
struct TreeTables {
  static let leafRoom = 192
  static let levels = 12
  static func room(_ level: Int) -> Int { level < 3 ? 64 : 24 }

  var words: [Int64] = []
  var left = [[Int64]](repeating: [], count: levels)
  var right = [[Int64]](repeating: [], count: levels)
  var roots: [Int64] = []

  init(_ trees: [Tree]) {
    // Rows are known only once all heights are counted: places in a level first.
    for tree in trees { roots.append(row(add(tree))) }
    for level in 0..<TreeTables.levels {
      let n = TreeTables.room(level)
      left[level] += [Int64](repeating: 0, count: max(0, n - left[level].count))
      right[level] += [Int64](repeating: 0, count: max(0, n - right[level].count))
    }
    words += [Int64](repeating: 0, count: max(0, TreeTables.leafRoom - words.count))
  }

  /// The first row of a level; leaves are level 0 here.
  private func start(_ height: Int) -> Int {
    height == 0
      ? 1 : 1 + TreeTables.leafRoom + (0..<height - 1).reduce(0) { $0 + TreeTables.room($1) }
  }
  private func row(_ place: (height: Int, index: Int)) -> Int64 {
    Int64(start(place.height) + place.index)
  }

  private mutating func add(_ tree: Tree) -> (height: Int, index: Int) {
    switch tree {
    case .word(let w):
      words.append(Int64(w))
      return (0, words.count - 1)
    case .pair(let a, let b):
      let (l, r) = (add(a), add(b))
      let height = 1 + max(l.height, r.height)
      left[height - 1].append(row(l))
      right[height - 1].append(row(r))
      return (height, left[height - 1].count - 1)
    }
  }

  func tensors() throws -> [Tensor] {
    [try Tensor(words)] + (try left.map { try Tensor($0) }) + (try right.map { try Tensor($0) })
      + [try Tensor(roots)]
  }
}

extension Workload {
  /// Tai et al. 2015: a binary Tree-LSTM of 64 cells over trees of 4 to 12 words, a class each.
  ///
  /// Eagerly the trees are walked by recursion; compiled, by tables of nodes of one height.
  static func trees(count: Int) -> Workload {
    let (n, words) = (64, 500)
    func drawn(_ i: Int) -> [Tree] {
      (0..<count).map { t in
        let key = 2_000_000 + i * count + t
        var next = 1
        return Tree.drawn(
          key, leaves: 4 + Int(Draws.bits(key, 0) >> 33) % 9, &next, words: words)
      }
    }
    /// A node from its gates i, o, u.
    func leaf(_ net: Network, _ x: Tensor) throws -> (h: Tensor, c: Tensor) {
      let gates = try x.linear(net[1], net[2]).split(into: 3, axis: 1)
      let c = try gates[0].sigmoid() * gates[2].tanh()
      return (try gates[1].sigmoid() * c.tanh(), c)
    }
    /// A node from its children: gates i, o, u, and one for each child to be forgotten by.
    func join(
      _ net: Network, _ a: (h: Tensor, c: Tensor), _ b: (h: Tensor, c: Tensor)
    ) throws -> (h: Tensor, c: Tensor) {
      let gates = try concat([a.h, b.h], axis: 1).linear(net[3], net[4]).split(into: 5, axis: 1)
      let kept = try gates[3].sigmoid() * a.c + gates[4].sigmoid() * b.c
      let c = try gates[0].sigmoid() * gates[2].tanh() + kept
      return (try gates[1].sigmoid() * c.tanh(), c)
    }
    func walk(_ net: Network, _ tree: Tree) throws -> (h: Tensor, c: Tensor) {
      switch tree {
      case .word(let w): return try leaf(net, net[0].slice(0, from: w, to: w + 1))
      case .pair(let a, let b): return try join(net, walk(net, a), walk(net, b))
      }
    }
    let cached = (0..<batchCount).map(drawn)
    return Workload(
      make: {
        let net = Network()
        try net.uniform([words, n], 1)
        try net.dense(n, 3 * n)
        try net.dense(2 * n, 5 * n)
        try net.dense(n, 5)
        return net
      },
      batch: { i in
        try TreeTables(cached[i]).tensors() + [Draws.integers(key(i, 1), [count], 5)]
      },
      loss: { net, data in
        let levels = TreeTables.levels
        let none = try Tensor.zeros([1, n])
        let first = try leaf(net, net[0].gather(data[0]))
        var (hs, cs) = (try concat([none, first.h]), try concat([none, first.c]))
        for level in 0..<levels {
          let (l, r) = (data[1 + level], data[1 + levels + level])
          let made = try join(
            net, (hs.gather(l), cs.gather(l)), (hs.gather(r), cs.gather(r)))
          (hs, cs) = (try concat([hs, made.h]), try concat([cs, made.c]))
        }
        let rows = try hs.gather(data[1 + 2 * levels])
        return try Loss.crossEntropy(rows.linear(net[5], net[6]), data[2 + 2 * levels])
      },
      recursive: { net, i in
        let rows = try cached[i].map { try walk(net, $0).h }
        return try Loss.crossEntropy(
          concat(rows).linear(net[5], net[6]), Draws.integers(key(i, 1), [count], 5))
      })
  }
}
