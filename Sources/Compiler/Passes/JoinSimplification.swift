import Graphs
import Operators
import Tensors

enum JoinSimplification: Pass {
  static let name = "simplify-joins"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "a Concat of a Concat, a Concat of all parts of a Split, a Slice of a Slice, "
      + "Slices that take a value apart without a gap, and an Unsqueeze of an Unsqueeze",
    makes: "one Concat, nothing, one Slice, one Split, and one Unsqueeze",
    why: "every element of the results is the same element of the first value")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      switch g.node(i).op {
      case let op as Concat:
        if !undoSplit(g, i, op) { try joinConcats(g, i, op) }
      case is Slice: try joinSlices(g, i)
      case is Unsqueeze: try joinUnsqueezes(g, i)
      default: break
      }
    }
    try makeSplits(g, options)
  }

  private static func joinUnsqueezes(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let x = g.input(i, 0), let y = g.output(i), let (m, _) = g.made(x, by: Unsqueeze.self),
      let source = g.input(m, 0), let inner = g.dims(x)?.count, let rank = g.dims(y)?.count,
      let first = g.ints(g.input(m, 1)).flatMap({ axes($0, rank: inner) }),
      let second = g.ints(g.input(i, 1)).flatMap({ axes($0, rank: rank) })
    else { return }
    // Where the axes of x stand in y.
    let places = (0..<rank).filter { !second.contains($0) }
    guard places.count == inner, first.allSatisfy({ $0 < inner }) else { return }
    let all = (second + first.map { places[$0] }).sorted()
    g.setInput(i, 0, to: source)
    g.setInput(i, 1, to: try g.addInts(all))
    g.note(i, "\(name): takes the value before '\(g.node(m).name)'")
  }

  // MARK: Concat

  private static func isSameAxis(_ g: GraphEditor, _ v: ValueID, _ a: Int, _ b: Int) -> Bool {
    if a == b { return true }
    guard let rank = g.dims(v)?.count else { return false }
    return axis(a, rank: rank) == axis(b, rank: rank)
  }

  private static func joinConcats(
    _ g: GraphEditor, _ i: Int, _ op: Concat
  ) throws(EngineError) {
    var inputs: [ValueID?] = []
    var others: [Int] = []
    for case let v? in g.node(i).inputs {
      if let (m, inner) = g.made(v, by: Concat.self), g.hasOneUse(v),
        isSameAxis(g, v, inner.axis, op.axis)
      {
        inputs += g.node(m).inputs
        others.append(m)
      } else {
        inputs.append(v)
      }
    }
    if !others.isEmpty { try g.fuse(i, others, into: op, inputs, by: name) }
  }

  private static func undoSplit(_ g: GraphEditor, _ i: Int, _ op: Concat) -> Bool {
    guard let first = g.input(i, 0), let (m, split) = g.made(first, by: Split.self),
      let source = g.input(m, 0), g.node(i).inputs == g.node(m).outputs,
      isSameAxis(g, first, split.axis, op.axis)
    else { return false }
    return g.bypass(i, with: source, by: name)
  }

  // MARK: Slice

  /// A Slice whose numbers are known, by axis from the front.
  private struct Cuts {
    var starts: [Int]
    var ends: [Int]
    var steps: [Int]
    var axes: [Int]
    let isListed: Bool

    init?(_ g: GraphEditor, _ i: Int) {
      guard let op: Slice = g.op(i), let x = g.input(i, 0), let rank = g.dims(x)?.count,
        let starts = op.starts ?? g.ints(g.input(i, 1)),
        let ends = op.ends ?? g.ints(g.input(i, 2)), starts.count == ends.count
      else { return nil }
      self.starts = starts
      self.ends = ends
      isListed = op.starts != nil
      steps = [Int](repeating: 1, count: starts.count)
      if g.input(i, 4) != nil {
        guard let given = g.ints(g.input(i, 4)), given.count == starts.count else { return nil }
        steps = given
      }
      var given = Array(starts.indices)
      if let list = op.axes {
        given = list
      } else if g.input(i, 3) != nil {
        guard let list = g.ints(g.input(i, 3)) else { return nil }
        given = list
      }
      guard given.count == starts.count, let own = Compiler.axes(given, rank: rank) else {
        return nil
      }
      axes = own
    }

    /// The elements that cut `k` takes of an axis of `size`, for a step of 1.
    func range(_ k: Int, size: Int) -> Range<Int>? {
      guard steps[k] == 1, size >= 0 else { return nil }
      let start = min(max(starts[k] < 0 ? starts[k] + size : starts[k], 0), size)
      let end = min(max(ends[k] < 0 ? ends[k] + size : ends[k], 0), size)
      return start..<max(start, end)
    }
  }

  private static func joinSlices(_ g: GraphEditor, _ i: Int) throws(EngineError) {
    guard let x = g.input(i, 0), let (m, _) = g.made(x, by: Slice.self),
      let source = g.input(m, 0), let dims = g.dims(source), let outer = Cuts(g, i),
      var both = Cuts(g, m), outer.isListed == both.isListed
    else { return }
    for (k, axis) in outer.axes.enumerated() {
      guard let j = both.axes.firstIndex(of: axis) else {
        both.axes.append(axis)
        both.starts.append(outer.starts[k])
        both.ends.append(outer.ends[k])
        both.steps.append(outer.steps[k])
        continue
      }
      guard let size = dims[axis].known, let first = both.range(j, size: size),
        let second = outer.range(k, size: first.count)
      else { return }
      both.starts[j] = first.lowerBound + second.lowerBound
      both.ends[j] = first.lowerBound + second.upperBound
    }
    if both.isListed {
      let op = Slice(starts: both.starts, ends: both.ends, axes: both.axes)
      try g.fuse(i, [m], into: op, [source], by: name)
      return
    }
    var inputs: [ValueID?] = [
      source, try g.addInts(both.starts), try g.addInts(both.ends), try g.addInts(both.axes),
    ]
    if both.steps.contains(where: { $0 != 1 }) { inputs.append(try g.addInts(both.steps)) }
    try g.fuse(i, [m], into: Slice(), inputs, by: name)
  }

  /// Slices along one axis that share no element and leave none out.
  private static func makeSplits(
    _ g: GraphEditor, _ options: PassOptions
  ) throws(EngineError) {
    var groups: [ValueID: [Int]] = [:]
    var order: [ValueID] = []
    for i in g.nodes {
      guard g.node(i).op is Slice, let x = g.input(i, 0) else { continue }
      if groups[x] == nil { order.append(x) }
      groups[x, default: []].append(i)
    }
    for x in order {
      guard let slices = groups[x], slices.count > 1, let dims = g.dims(x) else { continue }
      for axis in dims.indices {
        guard let size = dims[axis].known else { continue }
        var parts: [(node: Int, range: Range<Int>)] = []
        for i in slices where g.isLive(i) {
          guard let cuts = Cuts(g, i), cuts.axes == [axis], let range = cuts.range(0, size: size),
            !range.isEmpty
          else { continue }
          parts.append((i, range))
        }
        parts.sort { $0.range.lowerBound < $1.range.lowerBound }
        var end = 0
        let isWhole = parts.allSatisfy { part in
          defer { end = part.range.upperBound }
          return part.range.lowerBound == end
        }
        guard parts.count > 1, isWhole, end == size else { continue }
        try split(g, x, axis, parts, options)
      }
    }
  }

  private static func split(
    _ g: GraphEditor, _ x: ValueID, _ axis: Int, _ parts: [(node: Int, range: Range<Int>)],
    _ options: PassOptions
  ) throws(EngineError) {
    guard let place = parts.map(\.node).min() else { return }
    let sizes = parts.map(\.range.count)
    let takesInput = g.mayUse(opset: 13, options)
    let results =
      takesInput
      ? try g.add(
        Split(axis: axis), [x, try g.addInts(sizes)], outputs: parts.count, at: place)
      : try g.add(Split(axis: axis, sizes: sizes), [x], outputs: parts.count, at: place)
    for (part, result) in zip(parts, results) {
      guard let y = g.output(part.node) else { continue }
      g.note(part.node, "\(name): part of a Split")
      g.replace(y, with: result)
      g.remove(part.node)
    }
  }
}
