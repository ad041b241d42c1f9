import Graphs
import Tensors

/// A summation over two operands as a matrix product between changes of the axes' order.
///
/// Factors with their axes in the order `left` and `right` are `[batch..., rows..., sums...]` and
/// `[batch..., sums..., columns...]`; the product's axes in the order `result` are the summation's.
/// Without batch there may be several axes of each kind, with it there is one of each.
public struct EinsumProduct: Sendable {
  /// Whether the second operand is the left factor, so that the result has its axes first.
  public let isSwapped: Bool
  public let left: [Int]
  public let right: [Int]
  public let result: [Int]
  /// Numbers of axes.
  public let batch: Int
  public let rows: Int
  public let sums: Int
  public let columns: Int
}

extension Einsum {
  /// Nil where the summation is no such product: more or fewer than two operands, diagonals, axes
  /// that one operand alone sums over, a batch axis that one of them lacks.
  ///
  /// - `inputs`: sizes of the operands' axes.
  public func product(_ inputs: [[Dim]]) -> EinsumProduct? {
    guard inputs.count == 2, let labels = try? parsed.labels(ranks: inputs.map(\.count)) else {
      return nil
    }
    let y = labels.result
    let isSwapped = Einsum.startsWithSecond(y, labels.operands[0], labels.operands[1])
    let (first, second) = isSwapped ? (1, 0) : (0, 1)
    let (a, b) = (labels.operands[first], labels.operands[second])
    guard Set(a).count == a.count, Set(b).count == b.count else { return nil }
    // Axes of one operand that the result lacks are sums of their own.
    let own = a.filter { !b.contains($0) } + b.filter { !a.contains($0) }
    guard own.allSatisfy(y.contains) else { return nil }
    let sums = a.filter { b.contains($0) && !y.contains($0) }
    let batch = y.filter { a.contains($0) && b.contains($0) }
    let rows = y.filter { a.contains($0) && !b.contains($0) }
    let columns = y.filter { b.contains($0) && !a.contains($0) }
    guard !sums.isEmpty, !rows.isEmpty, !columns.isEmpty else { return nil }
    if !batch.isEmpty && (rows.count, sums.count, columns.count) != (1, 1, 1) { return nil }
    // A sum axis of size 1 would broadcast.
    for label in sums {
      guard let i = a.firstIndex(of: label), let j = b.firstIndex(of: label),
        inputs[first][i] == inputs[second][j]
      else { return nil }
    }
    func order(_ wanted: [Int], in labels: [Int]) -> [Int] {
      wanted.compactMap { labels.firstIndex(of: $0) }
    }
    return EinsumProduct(
      isSwapped: isSwapped, left: order(batch + rows + sums, in: a),
      right: order(batch + sums + columns, in: b),
      result: order(y, in: batch + rows + columns), batch: batch.count, rows: rows.count,
      sums: sums.count, columns: columns.count)
  }

  /// Where two operands are multiplied and nothing is summed: for each of them its axes in the order
  /// that they have in the result, and the result's axes that it lacks. Nil elsewhere.
  ///
  /// - `ranks`: those of the operands.
  public func multiplied(_ ranks: [Int]) -> [(order: [Int], missing: [Int])]? {
    guard ranks.count == 2, let labels = try? parsed.labels(ranks: ranks) else { return nil }
    let y = labels.result
    var result: [(order: [Int], missing: [Int])] = []
    for own in labels.operands {
      guard Set(own).count == own.count, own.allSatisfy(y.contains) else { return nil }
      result.append(
        (
          y.compactMap { own.firstIndex(of: $0) }, y.indices.filter { !own.contains(y[$0]) }
        ))
    }
    return Set(y).count == y.count ? result : nil
  }

  /// Whether the first axis of a result that one operand alone has is the second operand's.
  private static func startsWithSecond(_ y: [Int], _ a: [Int], _ b: [Int]) -> Bool {
    y.first { a.contains($0) != b.contains($0) }.map { b.contains($0) } ?? false
  }
}
