import Graphs
import Operators
import Tensors

/// A value as what layout operators make of another: which of its elements stands where.
///
/// Each axis is a row-major list of atoms; an atom runs along one axis of the source. Sizes may be
/// symbolic. Axes of size 1 have no atoms.
struct StridedView {
  struct Atom: Equatable {
    /// An axis of the source, or -1: elements repeated.
    var axis: Int
    var size: Dim
    /// In elements of the source's axis.
    var stride: Int
  }
  let source: ValueID
  let sourceDims: [Dim]
  private(set) var axes: [[Atom]]
  /// Where it starts along each axis of the source.
  private(set) var offsets: [Int]
  /// What elements were multiplied with on the way.
  private(set) var factor = 1.0

  init(of source: ValueID, _ dims: [Dim]) {
    self.source = source
    sourceDims = dims
    offsets = dims.map { _ in 0 }
    axes = dims.indices.map { dims[$0] == 1 ? [] : [Atom(axis: $0, size: dims[$0], stride: 1)] }
  }

  /// Every view that `v` is, of sources farther away first; the last one is `v` itself.
  static func all(_ g: GraphEditor, _ v: ValueID) -> [StridedView] {
    var chain: [(node: Int, input: ValueID, output: ValueID)] = []
    var sources = [v]
    var at = v
    while let node = g.maker(at), let x = carrier(g, node) {
      chain.append((node, x, at))
      sources.append(x)
      at = x
    }
    var views: [StridedView] = []
    for k in stride(from: sources.count - 1, through: 0, by: -1) {
      guard let dims = g.dims(sources[k]) else { continue }
      var view = StridedView(of: sources[k], dims)
      let fits = chain[..<k].reversed().allSatisfy { view.apply(g, $0.node, $0.input, $0.output) }
      if fits { views.append(view) }
    }
    return views
  }

  /// The input whose elements a layout operator, or a product with a number, hands on.
  private static func carrier(_ g: GraphEditor, _ node: Int) -> ValueID? {
    switch g.node(node).op {
    case is Reshape, is Flatten, is Squeeze, is Unsqueeze, is Transpose, is Split, is Slice,
      is Gather, is Expand, is Tile, is Identity:
      return g.input(node, 0)
    case is Mul, is Div: return g.productWithScalar(g.output(node))?.x
    default: return nil
    }
  }

  /// The view that a node makes of this one; false where that is no view.
  mutating func apply(_ g: GraphEditor, _ node: Int, _ x: ValueID, _ y: ValueID) -> Bool {
    switch g.node(node).op {
    case is Identity: return true
    case is Reshape, is Flatten, is Squeeze, is Unsqueeze: return reshape(to: g.dims(y))
    case let op as Transpose: return transpose(op.perm ?? axes.indices.reversed())
    case is Mul, is Div:
      guard let (_, c) = g.productWithScalar(y) else { return false }
      factor *= c
      return true
    case let op as Split: return split(g, node, op.axis, y)
    case let op as Gather: return pick(g, node, op.axis)
    case let op as Slice: return slice(g, node, op)
    case is Expand, is Tile: return expand(from: g.dims(x), to: g.dims(y))
    default: return false
    }
  }

  /// Whether it has every element of `other`, in the order in which that lies in memory.
  func hasOrder(of other: StridedView) -> Bool {
    StridedView.merged(axes.flatMap { $0 }) == StridedView.merged(other.axes.flatMap { $0 })
      && offsets == other.offsets && factor == other.factor
  }

  mutating func transpose(_ perm: [Int]) -> Bool {
    guard perm.count == axes.count, perm.allSatisfy(axes.indices.contains) else { return false }
    axes = perm.map { axes[$0] }
    return true
  }

  mutating func reshape(to dims: [Dim]?) -> Bool {
    guard let dims else { return false }
    var open = axes.flatMap { $0 }
    var result: [[Atom]] = []
    for d in dims {
      var axis: [Atom] = []
      var rest = d
      while rest != 1 {
        guard var atom = open.first else { return false }
        open.removeFirst()
        let whole = rest / atom.size
        if whole * atom.size == rest {
          rest = whole
        } else {
          // The atom's outer part belongs here, its inner part to what follows.
          let inner = atom.size / rest
          guard let step = inner.known, inner * rest == atom.size else { return false }
          open.insert(Atom(axis: atom.axis, size: inner, stride: atom.stride), at: 0)
          atom = Atom(axis: atom.axis, size: rest, stride: atom.axis < 0 ? 0 : atom.stride * step)
          rest = 1
        }
        axis.append(atom)
      }
      result.append(StridedView.merged(axis))
    }
    guard open.isEmpty else { return false }
    axes = result
    return true
  }

  /// Neighbours that run on into each other become one.
  private static func merged(_ atoms: [Atom]) -> [Atom] {
    var result: [Atom] = []
    for a in atoms {
      if let last = result.last, last.axis == a.axis, let n = a.size.known,
        a.axis < 0 || last.stride == a.stride * n
      {
        result[result.count - 1] = Atom(axis: a.axis, size: last.size * a.size, stride: a.stride)
      } else {
        result.append(a)
      }
    }
    return result
  }

  private func axis(_ i: Int) -> Int? {
    let k = i < 0 ? i + axes.count : i
    return axes.indices.contains(k) ? k : nil
  }

  /// Elements `start ..< start + count` of an axis.
  private mutating func take(_ i: Int, _ start: Int, _ count: Int) -> Bool {
    guard let first = axes[i].first, start >= 0, count > 0 else {
      return axes[i].isEmpty && start == 0 && count == 1
    }
    guard let inner = axes[i].dropFirst().map(\.size).product.known, inner > 0,
      start % inner == 0, count % inner == 0 || (start == 0 && inner == 1)
    else {
      // One element of a merged pair: take the pair apart at the next atom.
      return false
    }
    if first.axis >= 0 { offsets[first.axis] += start / inner * first.stride }
    let left = count / inner
    if left == 1 {
      axes[i].removeFirst()
    } else {
      axes[i][0].size = Dim(left)
    }
    return true
  }

  private mutating func split(_ g: GraphEditor, _ node: Int, _ i: Int, _ y: ValueID) -> Bool {
    guard let i = axis(i) else { return false }
    var start = 0
    for id in g.node(node).outputs {
      guard let id, let dims = g.dims(id), i < dims.count, let n = dims[i].known else {
        return false
      }
      if id == y { return take(i, start, n) }
      start += n
    }
    return false
  }

  private mutating func pick(_ g: GraphEditor, _ node: Int, _ i: Int) -> Bool {
    guard let index = g.input(node, 1), var k = g.scalar(index).map({ Int($0) }),
      let rank = g.dims(index)?.count, rank < 2, let i = axis(i)
    else { return false }
    if k < 0 {
      guard let n = axes[i].map(\.size).product.known else { return false }
      k += n
    }
    guard take(i, k, 1) else { return false }
    if rank == 0 { axes.remove(at: i) }
    return true
  }

  private mutating func slice(_ g: GraphEditor, _ node: Int, _ op: Slice) -> Bool {
    func ints(_ own: [Int]?, _ k: Int) -> [Int]? {
      own ?? g.input(node, k).flatMap { g.fact($0).knownInts }
    }
    guard let starts = ints(op.starts, 1), let ends = ints(op.ends, 2),
      starts.count == ends.count
    else { return false }
    let list = ints(op.axes, 3) ?? Array(starts.indices)
    if g.input(node, 4) != nil, ints(nil, 4)?.allSatisfy({ $0 == 1 }) != true { return false }
    guard list.count == starts.count else { return false }
    for (k, i) in list.enumerated() {
      guard let i = axis(i) else { return false }
      guard let n = axes[i].map(\.size).product.known else {
        // The whole of an axis of unknown size.
        if starts[k] == 0 && ends[k] > Int(Int32.max) - 1 { continue }
        return false
      }
      let from = min(n, max(0, starts[k] < 0 ? starts[k] + n : starts[k]))
      let to = min(n, max(0, ends[k] < 0 ? ends[k] + n : ends[k]))
      if from == 0 && to == n { continue }
      guard to > from, take(i, from, to - from) else { return false }
    }
    return true
  }

  private mutating func expand(from: [Dim]?, to: [Dim]?) -> Bool {
    guard let from, let to, to.count >= from.count else { return false }
    let lead = to.count - from.count
    axes = [[Atom]](repeating: [], count: lead) + axes
    for i in to.indices {
      let old: Dim = i < lead ? 1 : from[i - lead]
      if old == to[i] { continue }
      guard old == 1, axes[i].isEmpty else { return false }
      axes[i] = [Atom(axis: -1, size: to[i], stride: 0)]
    }
    return true
  }
}
