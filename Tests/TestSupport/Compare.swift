import Tensors

/// What keeps two tensors from being equal within a tolerance, or nil.
///
/// Strict: dtypes and shapes must agree, NaN equals only NaN, an infinity only itself, and
/// `|a - b| <= atol + rtol * |b|` must hold (so that NaN in the difference fails).
public func difference(
  _ got: Tensor, _ want: Tensor, rtol: Double = 1e-5, atol: Double = 1e-6
) -> String? {
  if got.dtype != want.dtype { return "dtype \(got.dtype), expected \(want.dtype)" }
  if got.shape != want.shape { return "shape \(got.shape), expected \(want.shape)" }
  if got.dtype == .string {
    for i in 0..<got.count where got.strings[i] != want.strings[i] {
      return "element \(i) is '\(got.strings[i])', expected '\(want.strings[i])'"
    }
    return nil
  }
  func scan<T>(_: T.Type, _ number: (T) -> Double) -> String? where T: Element {
    let (a, b) = (got.elements(T.self), want.elements(T.self))
    for i in 0..<a.count {
      let (x, y) = (number(a[i]), number(b[i]))
      if x.isNaN && y.isNaN { continue }
      if x == y { continue }
      if abs(x - y) <= atol + rtol * abs(y) && y.isFinite { continue }
      return "element \(i) is \(x), expected \(y)"
    }
    return nil
  }
  switch got.dtype {
  case .float32: return scan(Float.self) { Double($0) }
  case .float64: return scan(Double.self) { $0 }
  case .float16: return scan(Float16.self) { Double($0) }
  case .bfloat16: return scan(BFloat16.self) { Double($0.float) }
  case .int64:
    return zip(got.elements(Int64.self), want.elements(Int64.self)).contains { $0 != $1 }
      ? "\(Array(got.elements(Int64.self)).prefix(16)), expected "
        + "\(Array(want.elements(Int64.self)).prefix(16))"
      : nil
  case .int32: return scan(Int32.self) { Double($0) }
  default:
    return zip(got.rawBytes, want.rawBytes).contains { $0 != $1 } ? "bytes differ" : nil
  }
}
