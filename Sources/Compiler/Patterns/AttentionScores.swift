import Graphs
import Operators
import Tensors

/// What stands between the product of queries and keys and the softmax over keys: a factor and
/// masks.
struct AttentionScores {
  /// The product of queries and keys.
  private(set) var product = -1
  private(set) var factor = 1.0
  private(set) var softcap = 0.0
  private(set) var masks: [Mask] = []
  /// What uses the scores beside the softmax: what looks whether all of a row is hidden.
  private let check: Int?

  /// What hides scores, and the sizes of the scores where it does.
  struct Mask {
    enum Kind {
      /// Added to the scores.
      case additive
      /// Scores stay where the condition is `keeps`, and are `value` elsewhere.
      case choice(keeps: Bool, value: Double)
    }
    let kind: Kind
    let id: ValueID
    let scores: [Dim]
  }

  /// Below this a score's share of the softmax is zero, whatever the others are.
  static let hidden = -1e4

  /// Follows `v`, the softmax's input, back to the product. Nil where something else is between;
  /// `why` then says what, if attention was near. `check`: a node that may use `v` too.
  init?(_ g: GraphEditor, _ v: ValueID, besides check: Int?, why: inout String?) {
    self.check = check
    guard follow(g, v, why: &why) else { return nil }
  }

  private mutating func follow(_ g: GraphEditor, _ v: ValueID, why: inout String?) -> Bool {
    let isChecked = check.map { g.users(v).contains($0) && g.users(v).count == 2 } ?? false
    guard let node = g.maker(v), g.hasOneUse(v) || isChecked && !g.isOutput(v) else { return false }
    switch g.node(node).op {
    case is MatMul:
      product = node
      return true
    case is Mul, is Div:
      guard let (x, c) = g.productWithScalar(v), c != 0 else { return false }
      if let (t, _) = g.made(x, by: Tanh.self), let inner = g.input(t, 0), g.hasOneUse(x), c > 0,
        masks.isEmpty || factor == 1
      {
        // c tanh(s / c)
        let start = self
        var rest = start
        (rest.masks, rest.factor) = ([], 1)
        guard factor == 1, rest.follow(g, inner, why: &why), rest.masks.isEmpty,
          rest.softcap == 0
        else { return false }
        product = rest.product
        factor = rest.factor * c
        softcap = c
        return true
      }
      factor *= c
      return follow(g, x, why: &why)
    case is Add:
      for (x, m) in g.pairs(v, Add.self) {
        var next = self
        guard let dims = g.dims(x), dims == g.dims(v), next.follow(g, x, why: &why) else {
          continue
        }
        guard factor == 1 else {
          why = "the mask is scaled"
          return false
        }
        next.masks.append(Mask(kind: .additive, id: m, scores: dims))
        self = next
        return true
      }
      return false
    case is Where:
      guard let condition = g.input(node, 0) else { return false }
      for keeps in [true, false] {
        guard let x = g.input(node, keeps ? 1 : 2), let c = g.scalar(g.input(node, keeps ? 2 : 1)),
          c <= AttentionScores.hidden, let dims = g.dims(x), dims == g.dims(v)
        else { continue }
        var next = self
        guard next.follow(g, x, why: &why) else { continue }
        guard factor == 1 else {
          why = "the mask is scaled"
          return false
        }
        next.masks.append(
          Mask(kind: .choice(keeps: keeps, value: c), id: condition, scores: dims))
        self = next
        return true
      }
      return false
    case is Reshape:
      // Between [N, H, S, T] and [N * H, S, T].
      guard let x = g.input(node, 0), let a = g.dims(x), let b = g.dims(v), a.count > 2,
        b.count > 2, Array(a.suffix(2)) == Array(b.suffix(2))
      else { return false }
      return follow(g, x, why: &why)
    default: return false
    }
  }
}
