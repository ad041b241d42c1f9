import Tensors

/// Strings as numbers by a vocabulary, or back. See `IndexLookup`.
///
/// ```swift
/// let lookup = try StringLookup(["red", "green"])   // unknown 0, red 1, green 2
/// ```
///
/// - `mask`: the string that stands for nothing. `unknown`: what unknown numbers become when
///   inverted. `weights`: of `.tfIDF`, one for each known string.
/// - Errors: `.attribute` for strings that stand twice, or more than `limit`.
/// - Source: Keras 3 StringLookup.
public final class StringLookup: IndexLookup {
  public init(
    _ vocabulary: [String] = [], unknowns: Int = 1, mask: String? = nil,
    unknown: String = "[UNK]", limit: Int? = nil, weights: [Double] = [],
    output: CategoryOutput = .integers, inverts: Bool = false
  ) throws(EngineError) {
    try super.init(
      vocabulary.map { .text($0) }, unknowns: unknowns, mask: mask.map { .text($0) },
      unknown: .text(unknown), limit: limit, output: output, inverts: inverts)
    if !weights.isEmpty { try setWeights(weights) }
  }

  /// Learns the vocabulary: `[N]` is one document, of `[N, ...]` each sample is one.
  ///
  /// Errors: `.dtype` for other than strings, `.value` for no categories.
  public func adapt(
    _ data: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws { try adapting(file, line) { try adapt(to: data) } }

  private func adapt(to data: Tensor) throws {
    guard data.dtype == .string else {
      throw EngineError(
        .dtype, "strings are looked up", expected: "string", received: "\(data.dtype)")
    }
    let all = data.strings.map { Token.text($0) }
    let width = data.shape.rank > 1 ? data.count / max(data.shape[0], 1) : all.count
    try learn(
      stride(from: 0, to: all.count, by: max(width, 1)).map {
        Array(all[$0..<min($0 + width, all.count)])
      })
  }

  /// Known strings, in the order of their numbers.
  public var vocabulary: [String] { known.map { if case .text(let s) = $0 { s } else { "" } } }
}
