import Graphs
import Operators
import Tensors

/// Masks that hide what comes later, made from lengths that only a run knows.
enum DynamicCausal {
  /// Whether `v`, over scores of as many queries as keys, hides what comes after each query and
  /// nothing else: a bool that is true where keys are seen, or a number to add where `isNumber`.
  static func isCausal(_ g: GraphEditor, _ v: ValueID, isNumber: Bool) -> Bool {
    if isNumber { return addsCausal(g, v) }
    return shows(g, v, true, depth: 8)
  }

  /// Whether a bool is true at, and only at, what comes after each query.
  static func hidesLater(_ g: GraphEditor, _ v: ValueID) -> Bool { shows(g, v, false, depth: 8) }

  /// Whether a bool is `value` at, and only at, keys up to the query's own.
  private static func shows(_ g: GraphEditor, _ v: ValueID, _ value: Bool, depth: Int) -> Bool {
    guard depth > 0, let node = g.maker(v), let x = g.input(node, 0) else { return false }
    if g.constant(v) != nil { return false }
    switch g.node(node).op {
    case is Not: return shows(g, x, !value, depth: depth - 1)
    case is Unsqueeze, is Identity: return shows(g, x, value, depth: depth - 1)
    case is Expand: return shows(g, x, value, depth: depth - 1)
    case is Cast: return isTriangle(g, v, value, depth: depth)
    case is Equal:
      guard let y = g.input(node, 1), g.scalar(y) == 0 else { return false }
      return isTriangle(g, x, !value, depth: depth - 1)
    case is Less, is LessOrEqual, is Greater, is GreaterOrEqual:
      guard let y = g.input(node, 1) else { return false }
      return compares(g, node, x, y, value)
    default: return isTriangle(g, v, value, depth: depth)
    }
  }

  /// Whether a comparison of places of keys and queries holds where the key is not later, or, for
  /// `value` false, where it is.
  private static func compares(
    _ g: GraphEditor, _ node: Int, _ x: ValueID, _ y: ValueID, _ value: Bool
  ) -> Bool {
    let keyFirst = isPlaces(g, x, along: -1) && isPlaces(g, y, along: -2)
    let queryFirst = isPlaces(g, x, along: -2) && isPlaces(g, y, along: -1)
    switch g.node(node).op {
    case is LessOrEqual: return value && keyFirst
    case is GreaterOrEqual: return value && queryFirst
    case is Greater: return !value && keyFirst
    case is Less: return !value && queryFirst
    default: return false
    }
  }

  /// Whether `v` counts from 0 in steps of 1 along one of its last two axes, and has size 1 along
  /// all others.
  private static func isPlaces(_ g: GraphEditor, _ v: ValueID, along axis: Int) -> Bool {
    guard let dims = g.dims(v), dims.count >= -axis else { return false }
    let place = dims.count + axis
    guard dims.indices.allSatisfy({ $0 == place || dims[$0] == 1 }) else { return false }
    var at = v
    for _ in 0..<8 {
      guard let node = g.maker(at) else { return false }
      switch g.node(node).op {
      case is Unsqueeze, is Reshape, is Cast, is Identity:
        guard let x = g.input(node, 0) else { return false }
        at = x
      case is RangeOp:
        return g.scalar(g.input(node, 0)) == 0 && g.scalar(g.input(node, 2)) == 1
      default: return false
      }
    }
    return false
  }

  /// Whether a number or bool is not zero at, and only at, keys up to the query's own; for `value`
  /// false at later ones.
  private static func isTriangle(
    _ g: GraphEditor, _ v: ValueID, _ value: Bool, depth: Int
  ) -> Bool {
    guard depth > 0, let node = g.maker(v), let x = g.input(node, 0) else { return false }
    switch g.node(node).op {
    case is Cast, is Unsqueeze, is Identity, is Expand:
      return isTriangle(g, x, value, depth: depth - 1)
    case let op as Trilu:
      let k = g.input(node, 1).map { g.scalar($0) } ?? 0
      guard let fill = filled(g, x, depth: 4), fill != 0 else { return false }
      return value ? !op.isUpper && k == 0 : op.isUpper && k == 1
    default: return false
    }
  }

  /// Whether a number is 0 up to the query's own key and too low to matter from there on.
  private static func addsCausal(_ g: GraphEditor, _ v: ValueID) -> Bool {
    guard let node = g.maker(v), let x = g.input(node, 0) else { return false }
    switch g.node(node).op {
    case is Unsqueeze, is Identity, is Expand: return addsCausal(g, x)
    case let op as Trilu:
      guard op.isUpper, g.input(node, 1).flatMap({ g.scalar($0) }) == 1,
        let fill = filled(g, x, depth: 4)
      else { return false }
      return fill <= AttentionScores.hidden
    case is Where:
      guard let a = g.scalar(g.input(node, 1)), let b = g.scalar(g.input(node, 2)) else {
        return false
      }
      if a == 0, b <= AttentionScores.hidden { return shows(g, x, true, depth: 8) }
      if b == 0, a <= AttentionScores.hidden { return shows(g, x, false, depth: 8) }
      return false
    default: return false
    }
  }

  /// The number that every element is.
  private static func filled(_ g: GraphEditor, _ v: ValueID, depth: Int) -> Double? {
    if let number = g.uniform(v) { return number }
    guard depth > 0, let node = g.maker(v) else { return nil }
    switch g.node(node).op {
    case let op as ConstantOfShape:
      return op.value.tensor.asDouble(0)
    case is Expand, is Cast, is Identity, is Unsqueeze, is Reshape:
      return g.input(node, 0).flatMap { filled(g, $0, depth: depth - 1) }
    default: return nil
    }
  }
}
