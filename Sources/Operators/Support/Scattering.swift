import Graphs
import Kernels
import Tensors

/// What the scatter operators do with several updates of one place.
public enum ScatterReduction: String, Sendable, Hashable {
  case none, add, mul, max, min

  init(_ a: AttributeReader) throws(EngineError) {
    let name = try a.string("reduction", default: "none")
    guard let value = ScatterReduction(rawValue: name) else {
      throw EngineError(
        .attribute, "attribute 'reduction' has no legal value",
        expected: "none, add, mul, max or min", received: "'\(name)'")
    }
    self = value
  }

  var operation: ScatterReduce.Operation? { .init(rawValue: rawValue) }
}

/// Writes or folds `updates` into `target`, whose contents are the data already.
func scatter(
  _ reduction: ScatterReduction, _ dtype: DType, on target: UnsafeMutableRawPointer,
  offsets: UnsafePointer<Int64>, updates: UnsafeRawPointer, count: Int, blockElements: Int
) {
  if let operation = reduction.operation {
    ScatterReduce.run(
      operation, dtype, on: target, offsets: offsets, updates: updates, count: count,
      blockElements: blockElements)
  } else {
    Blocks.put(
      to: target, offsets: offsets, from: updates, count: count,
      blockBytes: blockElements * dtype.byteSize)
  }
}

/// Runs a scatter of strings.
///
/// Errors: `.dtype` when it should reduce them.
func scatterStrings(
  _ op: any Operator, _ reduction: ScatterReduction, _ e: Evaluation
) throws(EngineError) -> [Value?] {
  guard reduction == .none else {
    throw EngineError(
      .dtype, "no reduction \(reduction) of these elements", received: "\(try e.tensor(0).dtype)")
  }
  return try moveByPlaces(op, e, data: [0, 2])
}

/// The gradients of a scatter by data (input 0) and updates (input 2). Updates that replace are
/// taken to name each place once; for products, an update of 0 gives NaN; among the largest or smallest,
/// all that tie share alike.
func scatterGradient<B: Builder>(
  _ b: B, _ g: inout Backward<B.Value>, _ reduction: ScatterReduction,
  scatter: (ScatterReduction, B.Value, B.Value) throws(EngineError) -> B.Value,
  gather: (B.Value) throws(EngineError) -> B.Value
) throws(EngineError) {
  let (up, data, updates) = (try g.upstream(), try g.input(0), try g.input(2))
  switch reduction {
  case .none:
    if g.needs(0) { g.give(0, try scatter(.none, up, zeros(b, like: updates))) }
    if g.needs(2) { g.give(2, try gather(up)) }
  case .add:
    if g.needs(0) { g.give(0, up) }
    if g.needs(2) { g.give(2, try gather(up)) }
  case .mul:
    if g.needs(0) {
      let factors = try scatter(.mul, plus(b, zeros(b, like: data), 1), updates)
      g.give(0, try times(b, up, factors))
    }
    if g.needs(2) { g.give(2, try over(b, gather(times(b, up, g.output)), updates)) }
  case .max, .min:
    let own = try cast(b, b.apply(Equal(), data, g.output), like: up)
    let theirs = try cast(b, b.apply(Equal(), gather(g.output), updates), like: up)
    let share = try over(b, up, nonzero(b, scatter(.add, own, theirs)))
    if g.needs(0) { g.give(0, try times(b, share, own)) }
    if g.needs(2) { g.give(2, try times(b, gather(share), theirs)) }
  }
}
