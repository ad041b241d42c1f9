import Graphs
import Operators
import Tensors

/// Masks as Attention takes them, each made once.
struct MaskBuilder {
  private struct Key: Hashable {
    let condition: ValueID
    let keeps: Bool
    let value: Double
  }
  private var made: [Key: ValueID] = [:]
  private var sums: [[ValueID]: ValueID] = [:]
  private var causal: [ValueID: Bool] = [:]

  /// Whether every mask has the keys along its last axis, and makes scores no larger.
  func fits(_ g: GraphEditor, _ list: [AttentionScores.Mask]) -> Bool {
    list.allSatisfy { mask in
      guard let m = g.dims(mask.id), let last = m.last, last == mask.scores.last,
        m.count <= mask.scores.count
      else { return false }
      // Attention's masks have up to four axes. Scores [N, W, H, S, T] lie as [N * W, H, S, T]: the
      // mask must be the same for all of the first two.
      if m.count > 4 || (mask.scores.count > 4 && m.dropLast(3).contains { $0 != 1 }) {
        return false
      }
      // Scores [N * H, S, T]: the mask must be the same for all of the first axis.
      if mask.scores.count == 3, m.count == 3, m[0] != 1 { return false }
      return zip(m.reversed(), mask.scores.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
    }
  }

  /// One mask for all of `list`, nil for none; one that hides what comes later is told apart where
  /// it is constant, unless `keepsCausal`.
  mutating func build(
    _ g: GraphEditor, _ list: [AttentionScores.Mask], dtype: DType, keepsCausal: Bool = false,
    at place: Int
  ) throws(EngineError) -> (mask: ValueID?, isCausal: Bool) {
    var isCausal = false
    var bools: [ValueID] = []
    var numbers: [ValueID] = []
    for mask in list {
      if !keepsCausal, isPlainCausal(g, mask) {
        isCausal = true
        continue
      }
      switch mask.kind {
      case .additive: numbers.append(mask.id)
      case .choice(true, -.infinity): bools.append(mask.id)
      case .choice(let keeps, let value):
        numbers.append(
          try additive(g, mask.id, keeps: keeps, value: value, dtype: dtype, at: place))
      }
    }
    // A bool mask beside others becomes a number.
    if bools.count > 1 || (!bools.isEmpty && !numbers.isEmpty) {
      for b in bools {
        numbers.append(
          try additive(g, b, keeps: true, value: -.infinity, dtype: dtype, at: place))
      }
      bools = []
    }
    if numbers.count > 1 {
      let sum: ValueID
      if let known = sums[numbers] {
        sum = known
      } else {
        var s = numbers[0]
        for m in numbers.dropFirst() { s = try g.addOne(Add(), [s, m], at: place) }
        sums[numbers] = s
        sum = s
      }
      numbers = [sum]
    }
    return (bools.first ?? numbers.first, isCausal)
  }

  /// Whether a mask shows each query the keys up to its own place, and nothing else.
  mutating func isPlainCausal(_ g: GraphEditor, _ mask: AttentionScores.Mask) -> Bool {
    guard mask.scores.last == mask.scores.dropLast().last else { return false }
    var isNumber = true
    if case .choice(let keeps, _) = mask.kind {
      if !keeps { return DynamicCausal.hidesLater(g, mask.id) }
      isNumber = false
    }
    if let known = causal[mask.id] { return known }
    let result =
      g.constant(mask.id).map { CausalMask.isCausal($0) }
      ?? DynamicCausal.isCausal(g, mask.id, isNumber: isNumber)
    causal[mask.id] = result
    return result
  }

  /// Whether -inf may stand at every key of a query. A mask that shows each query a key, and one of
  /// finite numbers, cannot do that.
  mutating func mayHideAll(_ g: GraphEditor, _ list: [AttentionScores.Mask]) -> Bool {
    for mask in list where !isPlainCausal(g, mask) {
      switch mask.kind {
      case .additive:
        if !HiddenKeys.isFinite(g, mask.id) && HiddenKeys.mayHideRow(g, mask.id, keeps: nil) {
          return true
        }
      case .choice(let keeps, let value):
        if value == -.infinity && HiddenKeys.mayHideRow(g, mask.id, keeps: keeps) { return true }
      }
    }
    return false
  }

  /// 0 where scores stay and elsewhere a number so low that nothing is left of a score: where all
  /// are hidden, all count alike, as they do where scores are replaced.
  private mutating func additive(
    _ g: GraphEditor, _ condition: ValueID, keeps: Bool, value: Double, dtype: DType, at place: Int
  ) throws(EngineError) -> ValueID {
    let key = Key(condition: condition, keeps: keeps, value: value)
    if let known = made[key] { return known }
    let zero = g.addConstant(try scalar(0, dtype))
    var lowest = value
    if dtype == .float32, value.isFinite { lowest = max(min(value, -1e30), -1e37) }
    let low = g.addConstant(try scalar(lowest, dtype))
    let mask = try g.addOne(
      Where(), [condition, keeps ? zero : low, keeps ? low : zero], at: place)
    made[key] = mask
    return mask
  }

  private func scalar(_ value: Double, _ dtype: DType) throws(EngineError) -> Tensor {
    let x = try Tensor(scalar: Float(value))
    if dtype == .float32 { return x }
    return try Eager(pool: .single, options: .init()).apply(Cast(to: dtype), x)
  }
}
