import Graphs
import Operators
import Tensors

/// What is known of how much a mask of attention hides.
enum HiddenKeys {
  /// Whether a row of a mask, along its last axis, may hide everything: false where `keeps` is not
  /// in it, or -inf all along it. True where its contents are not known.
  static func mayHideRow(_ g: GraphEditor, _ v: ValueID, keeps: Bool?) -> Bool {
    guard let t = g.constant(v), let columns = t.shape.array.last, columns > 0,
      t.count <= 1 << 22
    else { return true }
    for row in 0..<t.count / columns {
      let isOpen = (0..<columns).contains { j in
        guard let x = t.asDouble(row * columns + j) else { return false }
        return keeps.map { (x != 0) == $0 } ?? (x != -.infinity)
      }
      if !isOpen { return true }
    }
    return false
  }

  /// Whether no element is infinite, whatever a run brings, up to NaN.
  static func isFinite(_ g: GraphEditor, _ v: ValueID) -> Bool {
    let largest = g.dtype(v) == .float16 ? 65504 : Double(Float.greatestFiniteMagnitude)
    return bound(g, v, depth: 24).map { $0 <= largest } ?? false
  }

  /// A number that no element is larger than in size; nil where none is known.
  private static func bound(_ g: GraphEditor, _ v: ValueID, depth: Int) -> Double? {
    if let t = g.constant(v) {
      guard t.count <= 1 << 22, t.dtype.isNumberOfBytes else { return nil }
      var largest = 0.0
      for i in 0..<t.count { largest = max(largest, abs(t.asDouble(i) ?? .infinity)) }
      return largest
    }
    switch g.dtype(v) {
    case .bool: return 1
    case .int64, .int32: return 1e19
    default: break
    }
    guard depth > 0, let node = g.maker(v) else { return nil }
    func of(_ i: Int) -> Double? { g.input(node, i).flatMap { bound(g, $0, depth: depth - 1) } }
    switch g.node(node).op {
    case is Where: return of(1).flatMap { a in of(2).map { max(a, $0) } }
    case is Mul: return of(0).flatMap { a in of(1).map { a * $0 } }
    case is Add, is Sub: return of(0).flatMap { a in of(1).map { a + $0 } }
    case is Cast, is Neg, is Abs, is Expand, is Reshape, is Unsqueeze, is Squeeze, is Slice,
      is Transpose, is Gather, is Identity, is Trilu:
      return of(0)
    default: return nil
    }
  }
}
