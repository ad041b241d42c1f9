import Tensors

/// Rows of `x + skip + bias` brought to zero mean and unit variance, or to unit mean square, then
/// scaled and shifted; float32.
///
/// Sums in fixed lanes with float64 totals; rows are split over threads.
public struct SkipNormalize: Sendable {
  let rows: Int
  let n: Int
  /// Rows of the skip, repeated.
  let skipRows: Int
  let epsilon: Float
  let centers: Bool

  public init(rows: Int, n: Int, skipRows: Int, epsilon: Float, centers: Bool) {
    self.rows = rows
    self.n = n
    self.skipRows = skipRows
    self.epsilon = epsilon
    self.centers = centers
  }

  /// What a run reads and writes; nil for what is absent or not wanted.
  public struct Operands {
    public var x: UnsafePointer<Float>
    public var skip: UnsafePointer<Float>
    public var gain: UnsafePointer<Float>
    public var shift: UnsafePointer<Float>?
    public var bias: UnsafePointer<Float>?
    public var output: UnsafeMutablePointer<Float>
    public var mean: UnsafeMutablePointer<Float>?
    public var inverse: UnsafeMutablePointer<Float>?
    public var sum: UnsafeMutablePointer<Float>?
    public init(
      x: UnsafePointer<Float>, skip: UnsafePointer<Float>, gain: UnsafePointer<Float>,
      shift: UnsafePointer<Float>?, bias: UnsafePointer<Float>?,
      output: UnsafeMutablePointer<Float>, mean: UnsafeMutablePointer<Float>?,
      inverse: UnsafeMutablePointer<Float>?, sum: UnsafeMutablePointer<Float>?
    ) {
      self.x = x
      self.skip = skip
      self.gain = gain
      self.shift = shift
      self.bias = bias
      self.output = output
      self.mean = mean
      self.inverse = inverse
      self.sum = sum
    }
  }

  public func run(_ o: Operands, pool: ThreadPool) {
    let each = max(1, 4096 / max(1, n))
    pool.run((rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows, (piece + 1) * each) { row(r, o) }
    }
  }

  private func row(_ r: Int, _ o: Operands) {
    let x = o.x + r * n
    let skip = o.skip + r % skipRows * n
    let y = o.output + r * n
    let sum = o.sum.map { $0 + r * n } ?? y
    if let bias = o.bias {
      for i in 0..<n { sum[i] = x[i] + skip[i] + bias[i] }
    } else {
      for i in 0..<n { sum[i] = x[i] + skip[i] }
    }
    var mean: Float = 0
    let square: Float
    if centers {
      (mean, square) = Float.moments(sum, n)
    } else {
      square = Float.sumOfSquares(sum, n) / Float(n)
    }
    let scale = 1 / (square + epsilon).squareRoot()
    o.mean?[r] = mean
    o.inverse?[r] = scale
    Float.affineEach(sum, n, shift: mean, scale: scale, gain: o.gain, bias: o.shift, into: y)
  }
}
