import Tensors

/// A matrix `[K, N]` of weights in 4 or 8 bits, `block` elements along K to a scale:
/// `w = (code - zero) * scale`.
struct BlockWeights: Sendable {
  let bits: Int
  let block: Int
  let k: Int
  let n: Int
  let isSymmetric: Bool
  /// Unsigned codes, `[K, N]`.
  private(set) var codes: [UInt8]
  /// `[blocks, N]`.
  private(set) var scales: [Float]
  /// `[blocks, N]`.
  private(set) var zeros: [UInt8]

  var blocks: Int { (k + block - 1) / block }
  /// The code of zero where there are no zero points.
  var middle: UInt8 { UInt8(1) << UInt8(bits - 1) }
  private var top: Float { Float(1 << bits - 1) }

  /// Nothing yet: every weight is zero.
  init(empty k: Int, _ n: Int, bits: Int, block: Int, symmetric: Bool) {
    self.bits = bits
    self.block = block
    self.k = k
    self.n = n
    isSymmetric = symmetric
    codes = []
    scales = []
    zeros = []
    codes = [UInt8](repeating: middle, count: k * n)
    scales = [Float](repeating: 1, count: blocks * n)
    zeros = [UInt8](repeating: middle, count: blocks * n)
  }

  /// Rounds each weight to the nearest code.
  init(_ weights: [Float], k: Int, n: Int, bits: Int, block: Int, symmetric: Bool) {
    self.init(empty: k, n, bits: bits, block: block, symmetric: symmetric)
    for b in 0..<blocks {
      fit(b, weights)
      for row in b * block..<min((b + 1) * block, k) {
        for column in 0..<n { _ = round(weights[row * n + column], row, column) }
      }
    }
  }

  /// Chooses scales and zero points of a block by its weights in `[K, N]`.
  mutating func fit(_ b: Int, _ weights: [Float]) {
    var low = [Float](repeating: 0, count: n)
    var high = low
    for row in b * block..<min((b + 1) * block, k) {
      for column in 0..<n {
        let w = weights[row * n + column]
        low[column] = min(low[column], w)
        high[column] = max(high[column], w)
      }
    }
    for column in 0..<n {
      let at = b * n + column
      let wanted: Float =
        isSymmetric
        // There is one code more below zero than above.
        ? max(-low[column] / Float(middle), high[column] / Float(middle - 1))
        : (high[column] - low[column]) / top
      scales[at] = wanted >= 1e-30 && wanted.isFinite ? wanted : 1
      zeros[at] =
        isSymmetric
        ? middle : UInt8(min(max((-low[column] / scales[at]).rounded(), 0), top))
    }
  }

  /// Stores the code nearest to a weight and gives the number that it stands for.
  mutating func round(_ weight: Float, _ row: Int, _ column: Int) -> Float {
    let at = row / block * n + column
    let zero = Float(zeros[at])
    // Errors passed on may run away where a Hessian is all but singular.
    let wanted = weight.isNaN ? 0 : (weight / scales[at]).rounded(.toNearestOrEven)
    let code = min(max(wanted + zero, 0), top)
    codes[row * n + column] = UInt8(code)
    return (code - zero) * scales[at]
  }

  /// The numbers that the codes stand for, `[K, N]`.
  func floats() -> [Float] {
    var result = [Float](repeating: 0, count: k * n)
    for row in 0..<k {
      for column in 0..<n {
        let at = row / block * n + column
        result[row * n + column] =
          (Float(codes[row * n + column]) - Float(zeros[at])) * scales[at]
      }
    }
    return result
  }
}
