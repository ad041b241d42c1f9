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
