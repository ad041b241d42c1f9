import Graphs
import Kernels
import Tensors

/// 1 where an element is above the threshold, 0 elsewhere.
///
/// - `X`: float32, float64, int32 or int64, any shape. `Y`: the same type and shape.
/// - `threshold`: default 0. Integers are compared with it as numbers.
/// - Edges: NaN gives 0.
/// - Source: ai.onnx.ml Binarizer 1.
public struct Binarizer: Operator {
  public let threshold: Float

  public static let schema = Schema(
    "Binarizer", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", Classical.numbers)], outputs: [Parameter("Y", Classical.numbers)],
    attributes: [AttributeSpec("threshold", .float, "default 0")],
    cases: {
      [.init(Binarizer(threshold: 0.5), [try Tensor(shape: [2, 2], [1, -2, 0.25, 3] as [Float])])]
    })

  public init(threshold: Float = 0) { self.threshold = threshold }
  public init(reading a: AttributeReader) throws(EngineError) {
    threshold = try a.float("threshold", default: 0)
  }
  public var attributes: [Attribute] { [.float("threshold", threshold)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(0), c.dims(0))]
  }

  private struct Loop: NumberLoop {
    let threshold: Float
    func run<T: Numeral>(
      _ range: Range<Int>, _ x: UnsafePointer<T>, _ y: UnsafeMutableRawPointer
    ) {
      let y = y.assumingMemoryBound(to: T.self)
      let (zero, one) = (T.zeroValue, T.oneValue)
      // An integer is above a threshold when it is above its floor.
      let isInteger = T.dtype.isInteger
      let t = T(truncating: Double(isInteger ? threshold.rounded(.down) : threshold))
      if isInteger, Double(threshold) < T.lowest.double {
        for i in range { y[i] = one }
        return
      }
      if threshold.isNaN {
        for i in range { y[i] = zero }
        return
      }
      for i in range { y[i] = x[i] > t ? one : zero }
    }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    return try prepareNumbers(x.dtype, count: x.count, inPlace: true, Loop(threshold: threshold))
  }
}
