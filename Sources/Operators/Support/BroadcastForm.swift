import Graphs
import Tensors

/// How two inputs of a binary operator find together: as NumPy's since opset 7, and in two ways
/// before.
///
/// Source: ONNX Add 1, 6 and its like, whose attributes `broadcast` and `axis` are read here.
public enum BroadcastForm: Hashable, Sendable {
  /// Both broadcast, aligned at the last axis.
  case both
  /// Neither does: the shapes are equal.
  case neither
  /// The second broadcasts to the first. Its axes are those of the first from `axis` on; the last
  /// ones where it is nil. A single element goes everywhere.
  case second(axis: Int?)

  /// What a node of opset 6 or before says; `.both` after.
  ///
  /// Errors: `.attribute` for an axis where nothing broadcasts.
  init(reading a: AttributeReader) throws(EngineError) {
    guard a.opset < 7 else {
      self = .both
      return
    }
    let axis = try a.optionalInt("axis")
    self = try a.bool("broadcast", default: false) ? .second(axis: axis) : .neither
  }

  /// What opset 6 reads back to an equal value; nothing for `.both`.
  var attributes: [Attribute] {
    switch self {
    case .both: []
    case .neither: [.bool("broadcast", false)]
    case .second(let axis):
      [.bool("broadcast", true)] + (axis.map { [.int("axis", $0)] } ?? [])
    }
  }

  static let specs = [
    AttributeSpec(
      "axis", .int, "first axis of A that B has; default: B has the last ones", before: 7),
    AttributeSpec("broadcast", .int, "1: B broadcasts to A; default 0: equal shapes", before: 7),
  ]

  /// The sizes of the second input with as many ones behind as align it to the first's last axis.
  ///
  /// Errors: `.shape` when it has axes that the first lacks; `.attribute` for the axis.
  func aligned(_ b: [Dim], rank: Int) throws(EngineError) -> [Dim] {
    let behind = try onesBehind(count: b.reduce(1, *).known, rank: rank, own: b.count)
    return b + [Dim](repeating: 1, count: behind)
  }

  /// Likewise for settled sizes.
  func aligned(_ b: Shape, rank: Int) throws(EngineError) -> Shape {
    let behind = try onesBehind(count: b.count, rank: rank, own: b.rank)
    return behind == 0
      ? b : try Shape(checking: b.array + [Int](repeating: 1, count: behind))
  }

  private func onesBehind(count: Int?, rank: Int, own: Int) throws(EngineError) -> Int {
    guard case .second(let axis?) = self, count != 1 else { return 0 }
    let first = try normalisedAxis(axis, rank: rank)
    guard first + own <= rank else {
      throw EngineError(
        .shape, "the second input has axes that the first lacks",
        expected: "at most \(rank - first) from axis \(first) on", received: "\(own)")
    }
    return rank - first - own
  }

  /// The sizes of the result; nil where a rank is unknown.
  ///
  /// Errors: `.shape` for shapes that do not find together; `.attribute` for the axis.
  func dims(_ a: [Dim]?, _ b: [Dim]?) throws(EngineError) -> [Dim]? {
    guard self != .both else { return try broadcast(a, b) }
    guard let a, let b else { return a }
    let both = try broadcast(a, aligned(b, rank: a.count)) ?? a
    let isSingle = b.reduce(1, *).known == 1
    for (i, size) in both.enumerated() where !(isSingle && self != .neither) {
      let known = both.count == a.count ? a[i].known : nil
      if both.count != a.count || known != nil && size.known != known {
        throw EngineError(
          .shape, "the second input does not broadcast to the first", expected: "\(a)",
          received: "\(b)")
      }
    }
    if self == .neither {
      let isOpen =
        a.count == b.count
        && zip(a, b).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
      guard isOpen else {
        throw EngineError(
          .shape, "the shapes differ and 'broadcast' is 0", expected: "\(a)", received: "\(b)",
          hint: "opset 7 and later broadcast without being asked")
      }
    }
    return a
  }

  /// The second input of a gradient rule, aligned as the rule expects it.
  ///
  /// Errors: `.notDifferentiable` where the ranks are unknown.
  @usableFromInline func aligned<B: Builder>(
    _ b: B, _ x: B.Value, _ y: B.Value
  ) throws(EngineError) -> B.Value {
    guard case .second(_?) = self else { return y }
    guard let rank = b.fact(of: x).rank, let dims = b.fact(of: y).dims else {
      throw EngineError(.notDifferentiable, "the ranks of an old broadcast are not known")
    }
    let behind = try aligned(dims, rank: rank).count - dims.count
    if behind == 0 { return y }
    let axes = (0..<behind).map { Int64(dims.count + $0) }
    return try b.apply(Unsqueeze(), y, b.constant(Tensor(axes)))
  }

  /// The gradient of the second input, given that of the aligned one.
  @usableFromInline func restored<B: Builder>(
    _ b: B, _ gradient: B.Value, like y: B.Value
  ) throws(EngineError) -> B.Value {
    guard case .second(_?) = self else { return gradient }
    return try reshape(b, gradient, like: y)
  }
}
