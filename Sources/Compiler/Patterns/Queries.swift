import Graphs
import Operators
import Tensors

// What passes ask of a graph beside what the editor itself knows.
extension GraphEditor {
  /// The number that every element of a constant is.
  func uniform(_ v: ValueID?) -> Double? {
    guard let t = constant(v), t.count > 0, t.count <= 1 << 16, let list = t.numbers else {
      return nil
    }
    return list.allSatisfy { $0 == list[0] } ? list[0] : nil
  }

  /// The contents of a small integer value, where all are known.
  func ints(_ v: ValueID?) -> [Int]? {
    guard let v else { return nil }
    return fact(v).knownInts
  }

  /// A vector of integers.
  func addInts(_ list: [Int]) throws(EngineError) -> ValueID {
    addConstant(try Tensor(list.map { Int64($0) }))
  }

  /// Whether a Reshape copies no axis of what it takes, so that it may take others of as many
  /// elements.
  func isFlatReshape(_ i: Int) -> Bool {
    guard let op: Reshape = op(i) else { return false }
    if op.allowZero { return true }
    guard
      let list = op.fixed ?? input(i, 1).flatMap({ fact($0).elements?.map { $0.known ?? 1 } })
    else { return false }
    return !list.contains(0)
  }

  /// Whether a Reshape can make these sizes and copy no axis: one at most is open, and none is 0.
  static func isTarget(_ dims: [Dim]) -> Bool {
    dims.allSatisfy { $0.known != 0 } && dims.count(where: { $0.known == nil }) <= 1
  }

  /// The target of such a Reshape; nil where there is none.
  func flatTarget(_ dims: [Dim]) throws(EngineError) -> ValueID? {
    Self.isTarget(dims) ? try addInts(dims.map { $0.known ?? -1 }) : nil
  }

  /// Whether an elementwise operator of `x` and `other` has the shape of `x`, whatever sizes that
  /// are known by name only turn out to be.
  func addsNoSize(_ other: ValueID, to x: ValueID) -> Bool {
    guard let small = dims(other) else { return false }
    if small.isEmpty { return true }
    guard let large = dims(x), small.count <= large.count else { return false }
    return zip(small.reversed(), large.reversed()).allSatisfy { (a, b) in
      a.known == 1 || a.known != nil && a == b
    }
  }

  /// Makes what uses a node's first result use `source`, and removes the node. What is asked for by
  /// name stays where `source` cannot take the name.
  @discardableResult
  func bypass(_ i: Int, with source: ValueID, by pass: String) -> Bool {
    guard let y = output(i), y != source else { return false }
    for case let other? in node(i).outputs.dropFirst() {
      guard users(other).isEmpty, !isOutput(other) else { return false }
    }
    if isOutput(y), users(y).isEmpty, maker(source) == nil || isOutput(source) { return false }
    guard replace(y, with: source) else { return false }
    note(i, "\(pass): gave back its input")
    remove(i)
    return true
  }

  /// Whether no element of a value is below zero; NaN may be among them.
  func isNonNegative(_ v: ValueID?, depth: Int = 6) -> Bool {
    guard let v, depth > 0, dtype(v)?.isFloat ?? false else { return false }
    if let t = constant(v) {
      guard t.count <= 1 << 16, let list = t.numbers else { return false }
      return list.allSatisfy { $0 >= 0 }
    }
    guard let i = maker(v) else { return false }
    let (a, b) = (input(i, 0), input(i, 1))
    switch node(i).op {
    case is Relu, is Abs, is Exp, is Sqrt, is Sigmoid, is Softplus, is Softmax, is HardSigmoid,
      is ReduceSumSquare, is ReduceL1, is ReduceL2:
      return true
    case is Mul, is Div:
      return a == b || isNonNegative(a, depth: depth - 1) && isNonNegative(b, depth: depth - 1)
    case is Add: return isNonNegative(a, depth: depth - 1) && isNonNegative(b, depth: depth - 1)
    case is Pow: return scalar(b).map { $0 == 2 || $0 == 4 } ?? false
    case let op as Clip:
      return (op.lower.map { Double($0) } ?? scalar(b)).map { $0 >= 0 } ?? false
    case is ReduceMean, is ReduceSum, is GlobalAveragePool, is AveragePool,
      is Reshape, is Transpose, is Flatten, is Squeeze, is Unsqueeze, is Identity, is Slice,
      is Split, is Gather, is Expand:
      return isNonNegative(a, depth: depth - 1)
    default: return false
    }
  }

  /// Sizes that inputs and captured values name such that one name may stand for two sizes: on two
  /// axes of one value, or on different axes of two.
  func doubtfulSizes() -> Set<String> {
    var places: [String: Int] = [:]
    var doubtful: Set<String> = []
    for id in graph.inputs + graph.captures {
      for (axis, dim) in (dims(id) ?? []).enumerated() {
        guard let name = dim.symbol else { continue }
        let isSecond = dims(id)?.firstIndex(of: dim) != axis
        if places[name, default: axis] != axis || isSecond { doubtful.insert(name) }
        places[name] = axis
      }
    }
    return doubtful
  }
}

/// An axis brought into `0..<rank`; nil outside.
func axis(_ axis: Int, rank: Int) -> Int? {
  let a = axis < 0 ? axis + rank : axis
  return a >= 0 && a < rank ? a : nil
}

/// Axes brought into `0..<rank`; nil where one lies outside or stands twice.
func axes(_ list: [Int], rank: Int) -> [Int]? {
  let result = list.compactMap { axis($0, rank: rank) }
  return result.count == list.count && Set(result).count == list.count ? result : nil
}
