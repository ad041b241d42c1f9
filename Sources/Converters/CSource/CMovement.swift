import Graphs
import Operators
import Tensors

/// Operators that move elements and leave them as they are.
enum CMovement {
  static let operators: [String: COperators.Entry] = [
    "Transpose": .init { (b) throws(EngineError) in
      guard let op = b.op as? Transpose else { return }
      let shape = try b.input(0).shape
      let perm = op.perm ?? Array((0..<shape.rank).reversed())
      let strides = shape.strides
      try b.copy(
        perm.map { shape[$0] }, from: 0, perm.map { strides[$0] }, b.output().shape.strides)
    },
    "Expand": .init { (b) throws(EngineError) in
      let sizes = try b.output().shape.array
      try b.copy(
        sizes, from: 0, CLoops.broadcast(b.input(0).shape, to: sizes), b.output().shape.strides)
    },
    "Concat": .init { (b) throws(EngineError) in try concat(&b) },
    "Split": .init { (b) throws(EngineError) in try split(&b) },
    "Slice": .init { (b) throws(EngineError) in try slice(&b) },
    "Tile": .init { (b) throws(EngineError) in try tile(&b) },
    "Pad": .init { (b) throws(EngineError) in try pad(&b) },
    "DepthToSpace": .init { (b) throws(EngineError) in
      guard let op = b.op as? DepthToSpace else { return }
      let (x, s) = (try b.input(0).shape, op.blockSize)
      let depth = x[1] / (s * s)
      let (h, w) = (x[2], x[3])
      let plane = h * w
      // [N, C', H, s, W, s] of the result.
      let (down, across) =
        op.isColumnFirst ? (s * plane, plane) : (s * depth * plane, depth * plane)
      let channel = op.isColumnFirst ? s * s * plane : plane
      b.copy(
        [x[0], depth, h, s, w, s], from: 0, [x[1] * plane, channel, w, down, 1, across],
        Shape([x[0], depth, h, s, w, s]).strides)
    },
    "SpaceToDepth": .init { (b) throws(EngineError) in
      guard let op = b.op as? SpaceToDepth, !op.isColumnFirst else {
        throw b.refuse("columns first")
      }
      let (x, s) = (try b.input(0).shape, op.blockSize)
      let (h, w) = (x[2] / s, x[3] / s)
      b.copy(
        [x[0], s, s, x[1], h, w], from: 0,
        [x[1] * x[2] * x[3], x[3], 1, x[2] * x[3], s * x[3], s],
        Shape([x[0], s, s, x[1], h, w]).strides)
    },
  ]

  private static func concat(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? Concat else { return }
    let y = try b.output().shape
    let axis = op.axis < 0 ? op.axis + y.rank : op.axis
    let strides = y.strides
    var at = 0
    for k in b.inputs.indices {
      let x = try b.input(k).shape
      if x.count > 0 { b.copy(x.array, from: k, x.strides, strides, beginning: at * strides[axis]) }
      at += x[axis]
    }
  }

  private static func split(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? Split else { return }
    let x = try b.input(0).shape
    let axis = op.axis < 0 ? op.axis + x.rank : op.axis
    let strides = x.strides
    var at = 0
    for k in b.outputs.indices {
      guard b.wants(k) else {
        throw b.refuse("a part that nobody takes")
      }
      let y = try b.output(k).shape
      b.copy(y.array, from: 0, strides, at: at * strides[axis], to: k, y.strides)
      at += y[axis]
    }
  }

  private static func slice(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? Slice else { return }
    let (x, y) = (try b.input(0).shape, try b.output().shape)
    let starts = if let fixed = op.starts { fixed } else { try b.known(1, "the starts") }
    var axes = op.axes ?? Array(starts.indices)
    if b.has(3) { axes = try b.known(3, "the axes") }
    let steps = b.has(4) ? try b.known(4, "the steps") : starts.map { _ in 1 }
    let strides = x.strides
    var source = strides
    var offset = 0
    for (k, given) in axes.enumerated() {
      let axis = given < 0 ? given + x.rank : given
      guard k < steps.count, k < starts.count, strides.indices.contains(axis) else {
        throw b.refuse("axes that do not fit")
      }
      let size = x[axis]
      var first = starts[k] < 0 ? starts[k].addingReportingOverflow(size).partialValue : starts[k]
      first = min(max(first, 0), steps[k] > 0 ? size : size - 1)
      offset += first * strides[axis]
      source[axis] = strides[axis] * steps[k]
    }
    if y.count > 0 { b.copy(y.array, from: 0, source, at: offset, y.strides) }
  }

  private static func tile(_ b: inout CBody) throws(EngineError) {
    let (x, y) = (try b.input(0).shape, try b.output().shape)
    var sizes: [Int] = []
    var source: [Int] = []
    var target: [Int] = []
    let (from, to) = (x.strides, y.strides)
    for axis in 0..<x.rank {
      guard x[axis] > 0 else { return }
      sizes += [y[axis] / x[axis], x[axis]]
      source += [0, from[axis]]
      target += [to[axis] * x[axis], to[axis]]
    }
    b.copy(sizes, from: 0, source, target)
  }

  private static func pad(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? Pad else { return }
    let (x, y) = (try b.input(0), try b.output())
    let rank = x.shape.rank
    let given = if let fixed = op.pads { fixed } else { try b.known(1, "the pads") }
    var begin = [Int](repeating: 0, count: rank)
    if b.has(3) {
      let axes = try b.known(3, "the axes")
      for (k, axis) in axes.enumerated() { begin[axis < 0 ? axis + rank : axis] = given[k] }
    } else {
      begin = Array(given.prefix(rank))
    }
    if op.mode == .constant {
      var value = CType.number(Double(op.value), x.dtype)
      if !x.dtype.isFloat { value = "0" }
      if b.has(2) {
        let constant = try b.input(2).constant
        value = constant.map { $0.count == 1 ? CType.element($0, 0) : "0" } ?? "\(b.x(2))[0]"
      }
      b.line("for (int i = 0; i < \(y.count); i++) \(b.y())[i] = \(value);")
    }
    // For each place of the result along each axis where it comes from; -1 for a constant.
    let strides = x.shape.strides
    for axis in 0..<rank {
      let n = x.shape[axis]
      let list = (0..<y.shape[axis]).map { i -> Int in
        let at = i - begin[axis]
        if (0..<n).contains(at) { return at }
        switch op.mode {
        case .constant: return -1
        case .edge: return min(max(at, 0), n - 1)
        case .wrap: return ((at % n) + n) % n
        case .reflect:
          if n == 1 { return 0 }
          let period = 2 * (n - 1)
          let inside = ((at % period) + period) % period
          return inside < n ? inside : period - inside
        }
      }
      b.table("int", "from\(axis)", list.map { "\($0)" })
    }
    for axis in 0..<rank {
      b.loop("i\(axis)", y.shape[axis])
      if op.mode == .constant { b.line("if (from\(axis)[i\(axis)] < 0) continue;") }
    }
    let source = (0..<rank).compactMap { CLoops.term("from\($0)[i\($0)]", strides[$0]) }
    let target = (0..<rank).compactMap { CLoops.term("i\($0)", y.shape.strides[$0]) }
    b.line("\(b.y())[\(CLoops.sum(target))] = \(b.x(0))[\(CLoops.sum(source))];")
    b.close(rank)
  }
}
