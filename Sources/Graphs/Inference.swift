import Tensors

/// What `infer` sees of one use of an operator.
public struct Inference {
  public let inputs: [Fact?]
  public let outputCount: Int
  /// Infers the outputs of a subgraph from facts of its inputs and of what it captures.
  public typealias Subgraph = (
    _ graph: Graph, _ inputs: [Fact?], _ captured: [Fact?]
  ) throws(EngineError) -> [Fact]
  public let subgraph: Subgraph
  /// Facts of the values that the node's subgraphs capture, in the node's order.
  public let captured: [Fact?]
  let fresh: Fresh

  final class Fresh {
    var next = 0
    func size() -> Dim {
      next += 1
      return Dim(symbol: "unk__\(next)")
    }
  }

  public init(
    inputs: [Fact?], outputCount: Int = 1, captured: [Fact?] = [],
    subgraph: @escaping Subgraph = { (g, _, _) throws(EngineError) in
      g.outputs.map { g.values[$0.index].fact }
    }
  ) {
    self.init(
      inputs: inputs, outputCount: outputCount, captured: captured, fresh: Fresh(),
      subgraph: subgraph)
  }
  init(
    inputs: [Fact?], outputCount: Int, captured: [Fact?], fresh: Fresh, subgraph: @escaping Subgraph
  ) {
    self.inputs = inputs
    self.outputCount = outputCount
    self.captured = captured
    self.fresh = fresh
    self.subgraph = subgraph
  }

  /// Whether optional input `i` is given.
  public func has(_ i: Int) -> Bool { i < inputs.count && inputs[i] != nil }
  public func fact(_ i: Int) -> Fact? { i < inputs.count ? inputs[i] : nil }
  public func dtype(_ i: Int) -> DType? { fact(i)?.dtype }
  /// Sizes of input `i`; nil where the rank is unknown.
  public func dims(_ i: Int) -> [Dim]? { fact(i)?.dims }
  public func rank(_ i: Int) -> Int? { fact(i)?.rank }
  /// Elements of a small integer input, some perhaps symbolic; nil where unknown.
  public func elements(_ i: Int) -> [Dim]? { fact(i)?.elements }
  /// Elements of a small integer input, where all are known numbers.
  public func ints(_ i: Int) -> [Int]? { fact(i)?.knownInts }
  /// The contents of input `i`, where known before the run.
  public func constant(_ i: Int) -> Tensor? { fact(i)?.constant }

  /// A size that nobody knows yet, different from every other.
  public func unknown() -> Dim { fresh.size() }
  public func unknown(rank: Int) -> [Dim] { (0..<rank).map { _ in unknown() } }

  /// An axis attribute brought into `0..<rank`; nil where the rank is unknown.
  ///
  /// Errors: `.attribute` when it lies outside `-rank..<rank`.
  public func axis(_ axis: Int, rank: Int?, name: String = "axis") throws(EngineError) -> Int? {
    guard let rank else { return nil }
    return try normalisedAxis(axis, rank: rank, name: name)
  }
}

/// An axis brought into `0..<rank`.
///
/// Errors: `.attribute` when it lies outside `-rank..<rank`.
public func normalisedAxis(
  _ axis: Int, rank: Int, name: String = "axis"
) throws(EngineError) -> Int {
  guard axis >= -rank, axis < rank else {
    throw EngineError(
      .attribute, "\(name) is out of range", expected: "\(-rank) to \(rank - 1) for rank \(rank)",
      received: "\(axis)")
  }
  return axis < 0 ? axis + rank : axis
}

/// The sizes that `a` and `b` broadcast to, aligned at the last axis; nil where a rank is unknown.
///
/// Errors: `.shape` when two known sizes differ and neither is 1.
public func broadcast(_ a: [Dim]?, _ b: [Dim]?) throws(EngineError) -> [Dim]? {
  guard let a, let b else { return nil }
  let rank = max(a.count, b.count)
  var dims: [Dim] = []
  for i in 0..<rank {
    let x: Dim = i < rank - a.count ? 1 : a[i - (rank - a.count)]
    let y: Dim = i < rank - b.count ? 1 : b[i - (rank - b.count)]
    if x == y || y.known == 1 {
      dims.append(x)
    } else if x.known == 1 {
      dims.append(y)
    } else if let n = x.known, let m = y.known {
      throw EngineError(
        .shape, "shapes do not broadcast at axis \(i)", expected: "equal sizes or 1",
        received: "\(n) and \(m) of \(a) and \(b)")
    } else if x.known != nil {
      // A known size other than 1 wins: the other is that or 1.
      dims.append(x)
    } else if y.known != nil {
      dims.append(y)
    } else if x.isMinimum(of: y) {
      // Where the bound cuts, only a size of 1 would fit, and a bound above 1 does not cut that.
      dims.append(y)
    } else if y.isMinimum(of: x) {
      dims.append(x)
    } else {
      dims.append(Dim.max(x, y))
    }
  }
  return dims
}
