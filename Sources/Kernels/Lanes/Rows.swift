import CKernels
import Tensors

/// A float type with kernels for rows: float32 in C with sixteen lanes, float64 in plain loops.
public protocol RowReal: Real {
  /// The mean and the mean squared distance from it, in two passes. NaN for no elements.
  static func moments(_ x: UnsafePointer<Self>, _ n: Int) -> (mean: Self, variance: Self)
  static func sumOfSquares(_ x: UnsafePointer<Self>, _ n: Int) -> Self
  static func sum(_ x: UnsafePointer<Self>, _ n: Int) -> Double
  /// The sum of `(x - c)^2`.
  static func squares(_ x: UnsafePointer<Self>, _ n: Int, around c: Self) -> Double
  /// The sums of `y` and of `y * (x - c)`.
  static func pairedSums(
    _ x: UnsafePointer<Self>, _ y: UnsafePointer<Self>, _ n: Int, around c: Self
  ) -> (sum: Double, product: Double)
  /// `dx = dy * ofY + (x - c) * ofX + constant`
  static func normBack(
    _ x: UnsafePointer<Self>, _ dy: UnsafePointer<Self>, _ n: Int, around c: Self, ofY: Self,
    ofX: Self, constant: Self, into dx: UnsafeMutablePointer<Self>)
  /// `y = (x - shift) * scale + bias`; `y` may be `x`.
  static func affine(
    _ x: UnsafePointer<Self>, _ n: Int, shift: Self, scale: Self, bias: Self,
    into y: UnsafeMutablePointer<Self>)
  /// `y = (x - shift) * scale * gain[i] + bias[i]`; `y` may be `x`.
  static func affineEach(
    _ x: UnsafePointer<Self>, _ n: Int, shift: Self, scale: Self, gain: UnsafePointer<Self>,
    bias: UnsafePointer<Self>?, into y: UnsafeMutablePointer<Self>)
  /// `y += a * x`
  static func axpy(
    _ x: UnsafePointer<Self>, _ n: Int, _ a: Self, into y: UnsafeMutablePointer<Self>)
  /// `c[i, j] = sum_k a[i, k] * b[j, k]`, or added to `c`. `lda`, `ldb`, `ldc` are row distances.
  static func dots(
    _ m: Int, _ n: Int, _ depth: Int, _ a: UnsafePointer<Self>, _ lda: Int,
    _ b: UnsafePointer<Self>, _ ldb: Int, into c: UnsafeMutablePointer<Self>, _ ldc: Int,
    adds: Bool)
  /// Softmax of a row, in place allowed.
  static func softmaxRow(
    _ x: UnsafePointer<Self>, _ n: Int, into y: UnsafeMutablePointer<Self>)
  /// `y[j] = sum_i weights[i] * x[i * ldx + j]` for `j < n`.
  static func weighted(
    _ weights: UnsafePointer<Self>, _ rows: Int, _ x: UnsafePointer<Self>, _ ldx: Int, _ n: Int,
    into y: UnsafeMutablePointer<Self>)
  /// `x = 1 / (1 + e^-x)`
  static func sigmoid(_ x: UnsafeMutablePointer<Self>, _ n: Int)
  /// `x = tanh x`
  static func tanh(_ x: UnsafeMutablePointer<Self>, _ n: Int)
}

private let isa = Int(LaneSet.best.rawValue)
private let momentKernel = [
  dl_moments_f32__scalar, dl_moments_f32__avx2, dl_moments_f32__avx512,
][isa]
private let shiftedSum = [
  dl_shifted_sum_f32__scalar, dl_shifted_sum_f32__avx2, dl_shifted_sum_f32__avx512,
][isa]
private let pairedSumsKernel = [
  dl_paired_sums_f32__scalar, dl_paired_sums_f32__avx2, dl_paired_sums_f32__avx512,
][isa]
private let normBackKernel = [
  dl_norm_back_f32__scalar, dl_norm_back_f32__avx2, dl_norm_back_f32__avx512,
][isa]
private let affineKernel = [dl_affine_f32__scalar, dl_affine_f32__avx2, dl_affine_f32__avx512][isa]
private let affineEachKernel = [
  dl_affine_each_f32__scalar, dl_affine_each_f32__avx2, dl_affine_each_f32__avx512,
][isa]
private let axpyKernel = [dl_axpy_f32__scalar, dl_axpy_f32__avx2, dl_axpy_f32__avx512][isa]
private let dotsKernel = [
  dl_dots_f32_4x4__scalar, dl_dots_f32_4x4__avx2, dl_dots_f32_4x4__avx512,
][isa]
private let reduceRows = [
  dl_reduce_f32_rows__scalar, dl_reduce_f32_rows__avx2, dl_reduce_f32_rows__avx512,
][isa]
private let softmaxRows = [
  dl_softmax_f32_rows__scalar, dl_softmax_f32_rows__avx2, dl_softmax_f32_rows__avx512,
][isa]

private let sigmoidKernel = [
  dl_sigmoid_f32__scalar, dl_sigmoid_f32__avx2, dl_sigmoid_f32__avx512,
][isa]
private let tanhKernel = [dl_tanh_f32__scalar, dl_tanh_f32__avx2, dl_tanh_f32__avx512][isa]

private let weightedKernel = [
  dl_weighted_f32__scalar, dl_weighted_f32__avx2, dl_weighted_f32__avx512,
][isa]

extension Float: RowReal {
  public static func sum(_ x: UnsafePointer<Float>, _ n: Int) -> Double { shiftedSum(x, n, 0, 0) }
  public static func squares(_ x: UnsafePointer<Float>, _ n: Int, around c: Float) -> Double {
    shiftedSum(x, n, c, 1)
  }
  public static func pairedSums(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ n: Int, around c: Float
  ) -> (sum: Double, product: Double) {
    var (sum, product) = (0.0, 0.0)
    pairedSumsKernel(x, y, n, c, &sum, &product)
    return (sum, product)
  }
  public static func normBack(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ n: Int, around c: Float,
    ofY: Float, ofX: Float, constant: Float, into dx: UnsafeMutablePointer<Float>
  ) { normBackKernel(x, dy, n, c, ofY, ofX, constant, dx) }
  public static func weighted(
    _ weights: UnsafePointer<Float>, _ rows: Int, _ x: UnsafePointer<Float>, _ ldx: Int, _ n: Int,
    into y: UnsafeMutablePointer<Float>
  ) { weightedKernel(weights, rows, x, ldx, n, y) }
  public static func sigmoid(_ x: UnsafeMutablePointer<Float>, _ n: Int) { sigmoidKernel(x, n) }
  public static func tanh(_ x: UnsafeMutablePointer<Float>, _ n: Int) { tanhKernel(x, n) }
  public static func moments(
    _ x: UnsafePointer<Float>, _ n: Int
  ) -> (mean: Float, variance: Float) {
    var mean: Float = 0
    var variance: Float = 0
    momentKernel(x, n, &mean, &variance)
    return (mean, variance)
  }
  public static func sumOfSquares(_ x: UnsafePointer<Float>, _ n: Int) -> Float {
    var sum: Float = 0
    reduceRows(Fold.sumOfSquares.rawValue, x, 1, n, &sum)
    return sum
  }
  public static func affine(
    _ x: UnsafePointer<Float>, _ n: Int, shift: Float, scale: Float, bias: Float,
    into y: UnsafeMutablePointer<Float>
  ) { affineKernel(x, n, shift, scale, bias, y) }
  public static func affineEach(
    _ x: UnsafePointer<Float>, _ n: Int, shift: Float, scale: Float, gain: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>
  ) { affineEachKernel(x, n, shift, scale, gain, bias, y) }
  public static func axpy(
    _ x: UnsafePointer<Float>, _ n: Int, _ a: Float, into y: UnsafeMutablePointer<Float>
  ) { axpyKernel(x, n, a, y) }
  public static func dots(
    _ m: Int, _ n: Int, _ depth: Int, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafePointer<Float>, _ ldb: Int, into c: UnsafeMutablePointer<Float>, _ ldc: Int,
    adds: Bool
  ) { dotsKernel(m, n, depth, a, lda, b, ldb, c, ldc, adds ? 1 : 0) }
  public static func softmaxRow(
    _ x: UnsafePointer<Float>, _ n: Int, into y: UnsafeMutablePointer<Float>
  ) { softmaxRows(0, x, 1, n, y) }
}

extension Double: RowReal {
  public static func sum(_ x: UnsafePointer<Double>, _ n: Int) -> Double {
    pairwise(x, n, 1) { $0 }
  }
  public static func squares(_ x: UnsafePointer<Double>, _ n: Int, around c: Double) -> Double {
    pairwise(x, n, 1) { ($0 - c) * ($0 - c) }
  }
  public static func pairedSums(
    _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ n: Int, around c: Double
  ) -> (sum: Double, product: Double) {
    var product = 0.0
    for i in 0..<n { product += y[i] * (x[i] - c) }
    return (sum(y, n), product)
  }
  public static func normBack(
    _ x: UnsafePointer<Double>, _ dy: UnsafePointer<Double>, _ n: Int, around c: Double,
    ofY: Double, ofX: Double, constant: Double, into dx: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<n { dx[i] = dy[i] * ofY + ((x[i] - c) * ofX + constant) }
  }
  public static func weighted(
    _ weights: UnsafePointer<Double>, _ rows: Int, _ x: UnsafePointer<Double>, _ ldx: Int,
    _ n: Int, into y: UnsafeMutablePointer<Double>
  ) {
    for j in 0..<n { y[j] = 0 }
    for i in 0..<rows { axpy(x + i * ldx, n, weights[i], into: y) }
  }
  public static func sigmoid(_ x: UnsafeMutablePointer<Double>, _ n: Int) {
    for i in 0..<n { x[i] = 1 / (1 + exponential(-x[i])) }
  }
  public static func tanh(_ x: UnsafeMutablePointer<Double>, _ n: Int) {
    for i in 0..<n { x[i] = hyperbolicTangent(x[i]) }
  }
  public static func moments(
    _ x: UnsafePointer<Double>, _ n: Int
  ) -> (mean: Double, variance: Double) {
    let mean = pairwise(x, n, 1) { $0 } / Double(n)
    return (mean, pairwise(x, n, 1) { ($0 - mean) * ($0 - mean) } / Double(n))
  }
  public static func sumOfSquares(_ x: UnsafePointer<Double>, _ n: Int) -> Double {
    pairwise(x, n, 1) { $0 * $0 }
  }
  public static func affine(
    _ x: UnsafePointer<Double>, _ n: Int, shift: Double, scale: Double, bias: Double,
    into y: UnsafeMutablePointer<Double>
  ) { for i in 0..<n { y[i] = (x[i] - shift) * scale + bias } }
  public static func affineEach(
    _ x: UnsafePointer<Double>, _ n: Int, shift: Double, scale: Double,
    gain: UnsafePointer<Double>, bias: UnsafePointer<Double>?,
    into y: UnsafeMutablePointer<Double>
  ) { for i in 0..<n { y[i] = (x[i] - shift) * scale * gain[i] + (bias?[i] ?? 0) } }
  public static func axpy(
    _ x: UnsafePointer<Double>, _ n: Int, _ a: Double, into y: UnsafeMutablePointer<Double>
  ) { for i in 0..<n { y[i] += x[i] * a } }
  public static func dots(
    _ m: Int, _ n: Int, _ depth: Int, _ a: UnsafePointer<Double>, _ lda: Int,
    _ b: UnsafePointer<Double>, _ ldb: Int, into c: UnsafeMutablePointer<Double>, _ ldc: Int,
    adds: Bool
  ) {
    for i in 0..<m {
      for j in 0..<n {
        var sum: Double = 0
        for k in 0..<depth { sum += a[i * lda + k] * b[j * ldb + k] }
        c[i * ldc + j] = adds ? c[i * ldc + j] + sum : sum
      }
    }
  }
  public static func softmaxRow(
    _ x: UnsafePointer<Double>, _ n: Int, into y: UnsafeMutablePointer<Double>
  ) { SoftmaxKernel.run(.float64, log: false, x, outer: 1, n: n, inner: 1, into: y, pool: .single) }
}
