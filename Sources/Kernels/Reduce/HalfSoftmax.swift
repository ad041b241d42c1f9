import Tensors

/// Softmax of float16 or bfloat16 along the middle axis of `[outer, n, inner]`, each step rounded to
/// that type as the standard's function body has it.
///
/// `d = round(x - max)`, `e = round(exp d)`, `s = round(sum e)`, `y = round(e / s)`. The sum runs in
/// float32; one that float16 cannot hold stays as it is instead of becoming inf.
/// A slice with NaN or +inf, or all of -inf, gives NaN.
public struct HalfSoftmax: Sendable {
  private let isBrain: Bool
  private let exp: UnaryKernel

  /// Nil for other types.
  public init?(_ dtype: DType) {
    guard dtype == .float16 || dtype == .bfloat16, let exp = UnaryKernel(.exp, .float32) else {
      return nil
    }
    isBrain = dtype == .bfloat16
    self.exp = exp
  }

  /// Floats of scratch beside one for each element.
  public static func sumCount(outer: Int, inner: Int) -> Int { outer * inner }

  /// `scratch` holds `outer * n * inner + sumCount` floats; `y` is not `x`.
  public func run(
    _ x: UnsafeRawPointer, outer: Int, n: Int, inner: Int, into y: UnsafeMutableRawPointer,
    scratch: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let size = n * inner
    guard size > 0 else { return }
    // Short slices go together, so that a piece is worth its call.
    let each = max(1, 4096 / size)
    pool.run((outer + each - 1) / each) { piece in
      let first = piece * each
      let count = min(each, outer - first)
      let wide = scratch + first * size
      let line = scratch + outer * size + first * inner
      let result = y + first * size * 2
      HalfFloats.widen(
        x + first * size * 2, to: wide, count: count * size, isBrain: isBrain, pool: .single)
      for o in 0..<count { shift(wide + o * size, n, inner, line + o * inner) }
      round(wide, count * size, result)
      exp.run(count: count * size, wide, wide, .single)
      round(wide, count * size, result)
      for o in 0..<count { divide(wide + o * size, n, inner, line + o * inner) }
      HalfFloats.narrow(wide, to: result, count: count * size, isBrain: isBrain, pool: .single)
    }
  }

  /// Through memory of the narrow type.
  private func round(
    _ x: UnsafeMutablePointer<Float>, _ count: Int, _ memory: UnsafeMutableRawPointer
  ) {
    HalfFloats.narrow(x, to: memory, count: count, isBrain: isBrain, pool: .single)
    HalfFloats.widen(memory, to: x, count: count, isBrain: isBrain, pool: .single)
  }

  /// Takes the largest element of each slice off.
  private func shift(
    _ x: UnsafeMutablePointer<Float>, _ n: Int, _ inner: Int, _ line: UnsafeMutablePointer<Float>
  ) {
    if inner == 1 {
      Fold.max.run(.float32, x, outer: 1, n: n, inner: 1, into: line, pool: .single)
      let top = line[0]
      for i in 0..<n { x[i] -= top }
      return
    }
    line.update(from: x, count: inner)
    for i in 1..<max(n, 1) {
      let row = x + i * inner
      for j in 0..<inner where row[j] > line[j] || row[j].isNaN { line[j] = row[j] }
    }
    for i in 0..<n {
      let row = x + i * inner
      for j in 0..<inner { row[j] -= line[j] }
    }
  }

  private func divide(
    _ x: UnsafeMutablePointer<Float>, _ n: Int, _ inner: Int, _ line: UnsafeMutablePointer<Float>
  ) {
    if inner == 1 {
      Fold.sum.run(.float32, x, outer: 1, n: n, inner: 1, into: line, pool: .single)
    } else {
      line.update(repeating: 0, count: inner)
      for i in 0..<n {
        let row = x + i * inner
        for j in 0..<inner { line[j] += row[j] }
      }
    }
    for j in 0..<inner {
      let total = isBrain ? BFloat16(line[j]).float : Float(Float16(line[j]))
      if total.isFinite { line[j] = total }
    }
    if inner == 1 {
      let total = line[0]
      for i in 0..<n { x[i] /= total }
      return
    }
    for i in 0..<n {
      let row = x + i * inner
      for j in 0..<inner { row[j] /= line[j] }
    }
  }
}
