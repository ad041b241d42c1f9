import Graphs
import Tensors

/// Operators on signals: windows and transforms.
enum Signal {
  static let operators: [any Operator.Type] = [
    BlackmanWindow.self,
    DFT.self,
    HammingWindow.self,
    HannWindow.self,
    MelWeightMatrix.self,
    STFT.self,
  ]

  /// The one number of a shape input, perhaps symbolic.
  ///
  /// Errors: `.shape` when it is not one number.
  static func number(_ c: Inference, _ i: Int) throws(EngineError) -> Dim? {
    if let count = c.dims(i)?.reduce(1, *).known, count != 1 {
      throw EngineError(
        .shape, "input \(i) must be one number", received: "\(count) elements")
    }
    return c.elements(i)?.first
  }
  static func number(_ p: Preparation, _ i: Int) throws(EngineError) -> Int? {
    try p.shapeInts(i)?.first
  }

  /// Refuses a size that is not positive.
  static func checkPositive(_ n: Int?, _ name: String, from least: Int = 1) throws(EngineError) {
    guard let n, n < least else { return }
    throw EngineError(
      .shape, "\(name) is out of range", expected: "at least \(least)", received: "\(n)")
  }
}
