import Tensors
import Training

/// Whole numbers as the numbers of a vocabulary, or back. See `IndexLookup`.
///
/// - `mask`: the number that stands for nothing. `unknown`: what unknown ones become when inverted.
///   With several `unknowns` a number's is its remainder.
/// - Errors: `.attribute` for numbers that stand twice, or more than `limit`.
/// - Source: Keras 3 IntegerLookup.
public final class IntegerLookup: IndexLookup {
  public init(
    _ vocabulary: [Int] = [], unknowns: Int = 1, mask: Int? = nil, unknown: Int = -1,
    limit: Int? = nil, weights: [Double] = [], output: CategoryOutput = .integers,
    inverts: Bool = false
  ) throws(EngineError) {
    try super.init(
      vocabulary.map { .number(Int64($0)) }, unknowns: unknowns,
      mask: mask.map { .number(Int64($0)) }, unknown: .number(Int64(unknown)), limit: limit,
      output: output, inverts: inverts)
    if !weights.isEmpty { try setWeights(weights) }
  }

  /// Learns the vocabulary: `[N]` is one document, of `[N, ...]` each sample is one.
  ///
  /// Errors: `.value` for no categories.
  public func adapt(
    _ data: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws { try adapting(file, line) { try adapt(to: data) } }

  private func adapt(to data: Tensor) throws {
    let all = Array(try data.cast(to: .int64).elements(Int64.self)).map { Token.number($0) }
    let width = data.shape.rank > 1 ? data.count / max(data.shape[0], 1) : all.count
    try learn(
      stride(from: 0, to: all.count, by: max(width, 1)).map {
        Array(all[$0..<min($0 + width, all.count)])
      })
  }

  /// Known numbers, in the order of their own.
  public var vocabulary: [Int] { known.map { if case .number(let n) = $0 { Int(n) } else { 0 } } }
}
