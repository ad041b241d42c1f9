import Graphs
import Tensors

extension Einsum {
  /// For each operand the sum of products of the upstream and the others, in the operand's labels.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    var ranks: [Int] = []
    for i in 0..<g.inputs.count { ranks.append(try knownRank(b, g.input(i))) }
    let (operands, result) = try parsed.labels(ranks: ranks)
    let letters = try Einsum.letters(operands.joined() + result)
    for i in 0..<g.inputs.count where g.needs(i) {
      let x = try g.input(i)
      var factors = [try g.upstream()]
      var terms = [result]
      for k in operands.indices where k != i {
        factors.append(try g.input(k))
        terms.append(operands[k])
      }
      // Labels that nothing else has were summed alone; the same sum for all of their places.
      let given = Set(terms.joined())
      var unique: [Int] = []
      for label in operands[i] where !unique.contains(label) { unique.append(label) }
      let made = unique.filter { given.contains($0) }
      var part = factors[0]
      if terms.count > 1 || made != result {
        let left = terms.map { $0.map { letters[$0] ?? "" }.joined() }.joined(separator: ",")
        let right = made.map { letters[$0] ?? "" }.joined()
        part = try b.apply(Einsum("\(left)->\(right)"), inputs: factors)
      }
      g.give(i, try spread(b, part, labels: made, to: operands[i], like: x))
    }
  }

  /// A letter for each label.
  private static func letters<S: Sequence<Int>>(_ labels: S) throws(EngineError) -> [Int: String] {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    var result: [Int: String] = [:]
    for label in labels where result[label] == nil {
      guard result.count < alphabet.count else {
        throw EngineError(.notDifferentiable, "the equation has too many labels")
      }
      result[label] = String(alphabet[result.count])
    }
    return result
  }

  /// A value with the axes `labels` brought to the axes `target` of `x`: axes that it lacks
  /// repeated, those that were broadcast summed, a label named twice on the diagonal.
  private func spread<B: Builder>(
    _ b: B, _ value: B.Value, labels: [Int], to target: [Int], like x: B.Value
  ) throws(EngineError) -> B.Value {
    var seen: Set<Int> = []
    var absent: [Int] = []
    var twins: [(first: Int, second: Int)] = []
    for (axis, label) in target.enumerated() {
      if !seen.insert(label).inserted {
        twins.append((target.firstIndex(of: label) ?? axis, axis))
        absent.append(axis)
      } else if !labels.contains(label) {
        absent.append(axis)
      }
    }
    var result = value
    if !absent.isEmpty { result = try b.apply(Unsqueeze(axes: absent), result) }
    result = try expand(b, result, like: x)
    for (first, second) in twins {
      func ones(_ axis: Int) -> [Int] {
        (0..<target.count).map { $0 == axis ? -1 : 1 }
      }
      let isDiagonal = try b.apply(
        Equal(), reshape(b, places(b, x, axis: first), ones(first)),
        reshape(b, places(b, x, axis: second), ones(second)))
      result = try masked(b, result, where: isDiagonal)
    }
    return try unbroadcast(b, result, like: x)
  }
}
