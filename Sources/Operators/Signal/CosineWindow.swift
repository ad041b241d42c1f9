import Glibc
import Graphs
import Tensors

/// A window that is a sum of cosines: `a - b cos(2 pi i / n) + c cos(4 pi i / n)`, where `n` is the
/// size, or one less when symmetric.
///
/// - `size`: int32 or int64 scalar. Output: `[size]`.
/// - `output_datatype`: any numeric type, default float32; integers drop the fraction. `periodic`: 0
///   for the symmetric window; default 1.
/// - Errors: `.shape` for a negative size.
/// - Edges: the symmetric window of size 1 is 1.
/// - Accuracy: computed in float64, rounded once.
public protocol CosineWindow: Operator {
  /// a, b and c.
  static var weights: (constant: Double, first: Double, second: Double) { get }
  var dtype: DType { get }
  var isPeriodic: Bool { get }
  init(dtype: DType, isPeriodic: Bool)
}

extension CosineWindow {
  static func windowSchema(_ name: String) -> Schema {
    Schema(
      name, versions: [17], inputs: [Parameter("size", .indices, "T1", shape: true)],
      outputs: [Parameter("output", .numeric, "T2")],
      attributes: [
        AttributeSpec("output_datatype", .int, "type number of the result; default 1, float"),
        AttributeSpec("periodic", .int, "0: symmetric; default 1"),
      ],
      cases: {
        let size = try Tensor(scalar: 6 as Int64)
        return [
          .init(Self(dtype: .float32, isPeriodic: true), [size]),
          .init(Self(dtype: .float64, isPeriodic: false), [size]),
        ]
      })
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    self.init(
      dtype: try a.dtype("output_datatype", default: .float32),
      isPeriodic: try a.bool("periodic", default: true))
  }
  public var attributes: [Attribute] {
    [.dtype("output_datatype", dtype), .bool("periodic", isPeriodic)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try Random.check(dtype, .numeric)
    let size = try Signal.number(c, 0)
    try Signal.checkPositive(size?.known, "the window's size", from: 0)
    return [Fact(dtype, [size ?? c.unknown()])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let type = try p.output(0)
    guard DTypes.numeric.contains(type.dtype) else { throw p.noKernel() }
    let count = type.count
    let isPeriodic = isPeriodic
    let period = Double(max(1, isPeriodic ? count : count - 1))
    let (a, b, c) = Self.weights
    return Prepared { m in
      for i in 0..<count {
        let angle = 2 * Double.pi * Double(i) / period
        let value = !isPeriodic && count == 1 ? 1 : a - b * cos(angle) + c * cos(2 * angle)
        storeNumber(value, m.outputs[0], i, type.dtype)
      }
    }
  }
}
