import Glibc
import Graphs
import Kernels
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

  // The three windows are sums of cosines.

  static let windowInputs = [Parameter("size", .indices, "T1", shape: true)]
  static let windowOutputs = [Parameter("output", .numeric, "T2")]
  static let windowSpecs = [
    AttributeSpec("output_datatype", .int, "type number of the result; default 1, float"),
    AttributeSpec("periodic", .int, "0: symmetric; default 1"),
  ]

  static func inferWindow(_ c: Inference, _ dtype: DType) throws(EngineError) -> [Fact] {
    try Random.check(dtype, .numeric)
    let size = try number(c, 0)
    try checkPositive(size?.known, "the window's size", from: 0)
    return [Fact(dtype, [size ?? c.unknown()])]
  }

  /// `a - b cos(2 pi i / n) + d cos(4 pi i / n)`.
  static func window(
    _ p: Preparation, isPeriodic: Bool, _ a: Double, _ b: Double, _ d: Double
  ) throws(EngineError) -> Prepared {
    let type = try p.output(0)
    guard DTypes.numeric.contains(type.dtype) else { throw p.noKernel() }
    let count = type.count
    let period = Double(max(1, isPeriodic ? count : count - 1))
    return Prepared { m in
      for i in 0..<count {
        let angle = 2 * Double.pi * Double(i) / period
        let value =
          !isPeriodic && count == 1 ? 1 : a - b * cos(angle) + d * cos(2 * angle)
        storeNumber(value, m.outputs[0], i, type.dtype)
      }
    }
  }
}
