import Graphs
import Operators
import Tensors

enum NoOpRemoval: Pass {
  static let name = "remove-no-ops"
  static let level = OptimizationLevel.basic
  static let about = PassText(
    looksFor: "nodes that give back an input: Identity, Dropout at inference, Cast to the same "
      + "type, Transpose in order, Reshape to the same shape, Concat of one, Expand that repeats "
      + "nothing",
    makes: "what uses them use the input",
    why: "every element of the result is the element of the input at the same place")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      guard let source = source(g, i), let result = g.output(i) else { continue }
      // Only the first output may be wanted.
      let others = g.node(i).outputs.dropFirst().compactMap { $0 }
      guard others.allSatisfy({ g.users($0).isEmpty && !g.isOutput($0) }) else { continue }
      if g.isOutput(result), g.users(result).isEmpty,
        g.maker(source) == nil || g.isOutput(source)
      {
        continue
      }
      if g.replace(result, with: source) {
        g.note(i, "\(name): gave back its input")
        g.remove(i)
      }
    }
  }

  /// The value that a node gives back unchanged.
  private static func source(_ g: GraphEditor, _ i: Int) -> ValueID? {
    guard let x = g.input(i, 0), let y = g.output(i) else { return nil }
    switch g.node(i).op {
    case is Identity: return x
    case let op as Dropout: return isIdle(g, i, op) ? x : nil
    case let op as Cast: return g.dtype(x) == op.to ? x : nil
    case let op as Transpose:
      guard let rank = g.dims(x)?.count else { return nil }
      return (op.perm ?? (0..<rank).reversed()) == Array(0..<rank) ? x : nil
    case is Concat, is Sum, is Max, is Min, is Mean:
      return g.node(i).inputs.count == 1 ? x : nil
    case is Reshape, is Flatten, is Squeeze, is Unsqueeze:
      return hasSameSizes(x, y, g, open: 1) ? x : nil
    case is Expand, is Tile: return hasSameSizes(x, y, g, open: 0) ? x : nil
    case is Slice:
      // A slice backwards keeps the sizes too.
      guard hasSameSizes(x, y, g, open: 0) else { return nil }
      guard let steps = g.input(i, 4) else { return x }
      return g.fact(steps).knownInts.map { $0.allSatisfy { $0 == 1 } } ?? false ? x : nil
    case let op as Pad:
      guard let pads = op.pads ?? g.input(i, 1).flatMap({ g.fact($0).knownInts }) else {
        return nil
      }
      return pads.allSatisfy { $0 == 0 } ? x : nil
    default: return nil
    }
  }

  /// Whether two values have the same sizes, at most `open` of them known by name only: a file may
  /// use one name for two sizes, but the number of elements is the same.
  private static func hasSameSizes(
    _ x: ValueID, _ y: ValueID, _ g: GraphEditor, open: Int
  ) -> Bool {
    guard let a = g.dims(x), let b = g.dims(y), a == b else { return false }
    return a.count { $0.known == nil } <= open
  }

  /// Whether a Dropout passes everything on.
  private static func isIdle(_ g: GraphEditor, _ i: Int, _ op: Dropout) -> Bool {
    guard op.trainingRatio == nil else { return false }
    guard let training = g.input(i, 2) else { return true }
    return g.scalar(training) == 0
  }
}
