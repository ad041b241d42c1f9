import Graphs
import Tensors

/// Axes brought into `0..<rank`, in the order given.
///
/// Errors: `.attribute` when one lies outside `-rank..<rank` or two are the same.
func normalisedAxes(_ axes: [Int], rank: Int, name: String = "axes") throws(EngineError) -> [Int] {
  var result: [Int] = []
  for axis in axes {
    let a = try normalisedAxis(axis, rank: rank, name: name)
    guard !result.contains(a) else {
      throw EngineError(.attribute, "\(name) names axis \(a) twice", received: "\(axes)")
    }
    result.append(a)
  }
  return result
}

/// Refuses sizes that no tensor can have, where all are known.
///
/// Errors: `.shape` for a negative size, a rank over 8 or more elements than memory can address.
func checkSizes(_ dims: [Dim]) throws(EngineError) {
  let known = dims.compactMap(\.known)
  if known.count == dims.count {
    _ = try Shape(checking: known)
  } else if let negative = known.first(where: { $0 < 0 }) {
    throw EngineError(.shape, "negative size in \(dims)", received: "\(negative)")
  }
}

/// `result`, computed from `parts`.
///
/// Errors: `.shape` when it overflowed: an unknown size made of known numbers.
func settled(_ result: Dim, from parts: Dim...) throws(EngineError) -> Dim {
  if result.known == nil, parts.allSatisfy({ $0.known != nil }) {
    throw EngineError(
      .shape, "a size is beyond what memory can address", received: "\(result)")
  }
  return result
}
