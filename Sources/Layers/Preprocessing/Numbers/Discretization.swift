import Tensors
import Training

/// Numbers as the number of the interval that they lie in.
///
/// - `boundaries`: rising; interval `i` begins at boundary `i - 1`, which belongs to it. Or `bins`:
///   as many intervals as will be, of about as many samples each, found by `adapt`.
/// - Input: numbers, any shape. Output: int64 of that shape, or by `output` as `CategoryEncoding`
///   has it, with one more interval than boundaries. NaN lies in the first interval.
/// - State: `boundaries` `[n]`, float32.
/// - Errors: `.usage` without boundaries when it is run; `.attribute` for boundaries that do not
///   rise.
/// - Source: Keras 3 Discretization, its way to find quantiles within `epsilon` included.
public final class Discretization: Layer {
  /// What comes out.
  public let output: CategoryOutput
  /// Intervals that `adapt` makes.
  public let bins: Int?
  /// How exact quantiles are.
  public let epsilon: Double
  /// Where intervals begin.
  public let boundaries = StateTensor.pending()

  public init(_ boundaries: [Double], output: CategoryOutput = .integers) throws(EngineError) {
    self.output = output
    bins = nil
    epsilon = 0.01
    super.init()
    try take(boundaries.map { Float($0) })
  }

  public init(
    bins: Int, epsilon: Double = 0.01, output: CategoryOutput = .integers
  ) throws(EngineError) {
    self.output = output
    self.bins = bins
    self.epsilon = epsilon
    super.init()
    try checked(bins, from: 2, "the number of intervals")
    guard epsilon > 0, epsilon < 1 else {
      throw EngineError(
        .attribute, "epsilon is out of range", expected: "between 0 and 1", received: "\(epsilon)")
    }
  }

  private func take(_ list: [Float]) throws(EngineError) {
    guard !list.isEmpty, zip(list, list.dropFirst()).allSatisfy({ $0 <= $1 }) else {
      throw EngineError(
        .attribute, "the boundaries do not rise", expected: "one or more rising numbers",
        received: "\(list.prefix(8))")
    }
    boundaries.value = try Tensor(list)
  }

  /// Finds boundaries in data.
  ///
  /// Errors: `.usage` for a layer that was given its boundaries, `.value` for too few numbers.
  public func adapt(
    _ data: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) throws { try adapting(file, line) { try adapt(to: data) } }

  private func adapt(to data: Tensor) throws {
    guard let bins else {
      throw EngineError(.usage, "the layer was given its boundaries")
    }
    let values = try data.numbers().filter { !$0.isNaN }
    let made = QuantileSummary(values, epsilon: epsilon).boundaries(bins)
    guard !made.isEmpty else {
      throw EngineError(
        .value, "too few numbers to make intervals of", expected: "2 or more",
        received: "\(values.count)")
    }
    try take(made)
  }

  public override func outputShape(for shape: LayerShape) throws(EngineError) -> LayerShape {
    guard boundaries.value.shape != [0] else {
      throw EngineError(
        .usage, "the layer has no boundaries", hint: "call adapt with data, or give boundaries")
    }
    return output.shape(for: shape, depth: boundaries.value.count + 1)
  }

  public override func forward(_ x: Tensor) throws -> Tensor {
    let y = try x.cast(to: .float32).expandDims(at: -1)
    let above = try y.isGreaterOrEqual(to: boundaries.value).cast(to: .int64)
    let ids = try above.sum(axes: [x.shape.rank])
    return try output.encoded(ids, depth: boundaries.value.count + 1, dtype: dtype)
  }
}
