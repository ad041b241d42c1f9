/// Places for the boxes of an acyclic graph, in ranks from top to bottom.
///
/// Ranks are longest paths; boxes nothing leads to stand just above what they lead to. The order
/// within a rank follows the mean place of neighbours, in alternating sweeps; the places follow
/// by the least squared distance to neighbours that keeps order and gaps. The same input always
/// gives the same places. Cost: linear in boxes, edges and the ranks that edges span, up to
/// `maxBends`.
///
/// Source: Sugiyama, Tagawa, Toda 1981; the placement is isotonic regression by pooling.
struct LayeredLayout {
  struct Point { var x, y: Double }
  struct Size { var width, height: Double }

  /// Top centre of each box.
  private(set) var tops: [Point] = []
  /// The points each edge runs through, from the bottom of a box to the top of another.
  private(set) var paths: [[Point]] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  static let gap = 18.0
  static let rankGap = 42.0
  /// Places that long edges may take in the ranks they pass, together; further ones run straight.
  static let maxBends = 20_000
  private static let sweeps = 8

  /// A box, or the place where a long edge passes a rank.
  private struct Item {
    let box: Int?
    let rank: Int
    let width: Double
    var above: [Int] = []
    var below: [Int] = []
    var x = 0.0
    var place = 0
  }
  private var items: [Item] = []
  private var ranks: [[Int]] = []
  /// For each edge the items it passes.
  private var passed: [[Int]] = []

  /// Lays out boxes of `sizes`. An edge leads from a box to one with a higher number.
  init(sizes: [Size], edges: [(from: Int, to: Int)]) {
    addItems(sizes, edges, rankBoxes(sizes.count, edges))
    order()
    place()
    settle(sizes, edges)
  }

  private func rankBoxes(_ count: Int, _ edges: [(from: Int, to: Int)]) -> [Int] {
    var rank = [Int](repeating: 0, count: count)
    var hasSource = [Bool](repeating: false, count: count)
    for e in edges.sorted(by: { $0.from < $1.from }) {
      rank[e.to] = max(rank[e.to], rank[e.from] + 1)
      hasSource[e.to] = true
    }
    var nearest = [Int](repeating: Int.max, count: count)
    for e in edges { nearest[e.from] = min(nearest[e.from], rank[e.to]) }
    for i in 0..<count where !hasSource[i] && nearest[i] != .max { rank[i] = nearest[i] - 1 }
    return rank
  }

  private mutating func addItems(
    _ sizes: [Size], _ edges: [(from: Int, to: Int)], _ rank: [Int]
  ) {
    for (i, size) in sizes.enumerated() {
      items.append(Item(box: i, rank: rank[i], width: size.width))
    }
    var bends = 0
    for e in edges {
      var last = e.from
      var chain: [Int] = []
      let span = rank[e.to] - rank[e.from]
      if span > 1, bends + span <= Self.maxBends {
        bends += span
        for r in rank[e.from] + 1..<rank[e.to] {
          let item = items.count
          items.append(Item(box: nil, rank: r, width: 4))
          join(last, item)
          chain.append(item)
          last = item
        }
      }
      join(last, e.to)
      passed.append(chain)
    }
    ranks = [[Int]](repeating: [], count: (rank.max() ?? -1) + 1)
    for i in items.indices { ranks[items[i].rank].append(i) }
    renumber()
  }

  private mutating func join(_ a: Int, _ b: Int) {
    items[a].below.append(b)
    items[b].above.append(a)
  }

  private mutating func renumber() {
    for r in ranks.indices {
      for (k, i) in ranks[r].enumerated() { items[i].place = k }
    }
  }

  /// Orders each rank by the mean place of neighbours in the rank before, down and up in turn.
  private mutating func order() {
    for sweep in 0..<Self.sweeps {
      let isDown = sweep % 2 == 0
      for r in isDown ? Array(ranks.indices) : ranks.indices.reversed() {
        let keyed = ranks[r].map { (i) -> (key: Double, place: Int, item: Int) in
          let near = isDown ? items[i].above : items[i].below
          let own = Double(items[i].place)
          if near.isEmpty { return (own, items[i].place, i) }
          let sum = near.reduce(0.0) { $0 + Double(items[$1].place) }
          return (sum / Double(near.count), items[i].place, i)
        }
        ranks[r] = keyed.sorted { ($0.key, $0.place) < ($1.key, $1.place) }.map(\.item)
        for (k, i) in ranks[r].enumerated() { items[i].place = k }
      }
    }
  }

  private mutating func place() {
    for r in ranks.indices {
      var x = 0.0
      for i in ranks[r] {
        items[i].x = x + items[i].width / 2
        x += items[i].width + Self.gap
      }
    }
    for sweep in 0..<Self.sweeps {
      let isDown = sweep % 2 == 0
      for r in isDown ? Array(ranks.indices) : ranks.indices.reversed() {
        placeRank(r) { isDown ? $0.above : $0.below }
      }
    }
  }

  /// Moves the items of a rank as near to the mean of their neighbours as order and gaps allow.
  private mutating func placeRank(_ r: Int, _ neighbours: (Item) -> [Int]) {
    // Minus the room taken by those before it, each wish must only not decrease.
    var room: [Double] = []
    var blocks: [(mean: Double, weight: Double, count: Int)] = []
    var taken = 0.0
    for (k, i) in ranks[r].enumerated() {
      if k > 0 { taken += (items[ranks[r][k - 1]].width + items[i].width) / 2 + Self.gap }
      room.append(taken)
      let near = neighbours(items[i])
      let wish =
        near.isEmpty
        ? items[i].x : near.reduce(0.0) { $0 + items[$1].x } / Double(near.count)
      // Bends weigh more, which keeps long edges straight.
      let weight = near.isEmpty ? 0.1 : items[i].box == nil ? 2.0 : 1.0
      var block = (mean: wish - taken, weight: weight, count: 1)
      while let last = blocks.last, last.mean > block.mean {
        let sum = last.weight + block.weight
        block.mean = (last.mean * last.weight + block.mean * block.weight) / sum
        block.weight = sum
        block.count += last.count
        blocks.removeLast()
      }
      blocks.append(block)
    }
    var k = 0
    for b in blocks {
      for _ in 0..<b.count {
        items[ranks[r][k]].x = b.mean + room[k]
        k += 1
      }
    }
  }

  /// Turns items into places of boxes and paths of edges.
  private mutating func settle(_ sizes: [Size], _ edges: [(from: Int, to: Int)]) {
    let left = items.reduce(Double.infinity) { min($0, $1.x - $1.width / 2) }
    for i in items.indices {
      items[i].x -= left.isFinite ? left : 0
      width = max(width, items[i].x + items[i].width / 2)
    }
    var tops = [Double](repeating: 0, count: ranks.count)
    var bottoms = tops
    var y = 0.0
    for r in ranks.indices {
      tops[r] = y
      for i in ranks[r] {
        if let box = items[i].box { y = max(y, tops[r] + sizes[box].height) }
      }
      bottoms[r] = y
      y += Self.rankGap
    }
    height = bottoms.last ?? 0
    self.tops = sizes.indices.map { Point(x: items[$0].x, y: tops[items[$0].rank]) }
    let ports = spreadPorts(sizes, edges)
    for (k, e) in edges.enumerated() {
      let start = self.tops[e.from]
      let end = self.tops[e.to]
      var path = [Point(x: start.x + ports.from[k], y: start.y + sizes[e.from].height)]
      for i in passed[k] {
        let (x, r) = (items[i].x, items[i].rank)
        path.append(Point(x: x, y: tops[r]))
        path.append(Point(x: x, y: bottoms[r]))
      }
      path.append(Point(x: end.x + ports.to[k], y: end.y))
      paths.append(path)
    }
  }

  /// Where along the boxes' sides each edge leaves and arrives, in the order of its other end.
  private func spreadPorts(
    _ sizes: [Size], _ edges: [(from: Int, to: Int)]
  ) -> (from: [Double], to: [Double]) {
    var out = [[Int]](repeating: [], count: sizes.count)
    var into = out
    for (k, e) in edges.enumerated() {
      out[e.from].append(k)
      into[e.to].append(k)
    }
    func spread(_ lists: [[Int]], _ other: (Int) -> Double) -> [Double] {
      var offsets = [Double](repeating: 0, count: edges.count)
      for (box, list) in lists.enumerated() where list.count > 1 {
        let sorted = list.sorted { (other($0), $0) < (other($1), $1) }
        let step = min(14, sizes[box].width * 0.8 / Double(list.count))
        for (j, k) in sorted.enumerated() {
          offsets[k] = (Double(j) - Double(list.count - 1) / 2) * step
        }
      }
      return offsets
    }
    return (
      spread(out) { items[passed[$0].first ?? edges[$0].to].x },
      spread(into) { items[passed[$0].last ?? edges[$0].from].x }
    )
  }
}
