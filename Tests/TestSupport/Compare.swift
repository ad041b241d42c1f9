import Tensors

/// What keeps two values from being equal within a tolerance, or nil.
public func difference(
  _ got: Value?, _ want: Value?, rtol: Double = 1e-5, atol: Double = 1e-6
) -> String? {
  switch (got, want) {
  case (nil, nil): return nil
  case (.tensor(let a)?, .tensor(let b)?): return difference(a, b, rtol: rtol, atol: atol)
  case (.sequence(let a)?, .sequence(let b)?):
    if a.count != b.count { return "\(a.count) elements, expected \(b.count)" }
    for i in a.indices {
      if let d = difference(a[i], b[i], rtol: rtol, atol: atol) { return "in element \(i): \(d)" }
    }
    return nil
  case (.optional(let a)?, .optional(let b)?): return difference(a, b, rtol: rtol, atol: atol)
  default: return "\(got?.kind ?? "nothing"), expected \(want?.kind ?? "nothing")"
  }
}

/// Whether two values are the same to the last bit.
public func haveSameBits(_ a: Value?, _ b: Value?) -> Bool {
  switch (a, b) {
  case (nil, nil): return true
  case (.tensor(let a)?, .tensor(let b)?):
    guard a.type == b.type else { return false }
    return a.dtype == .string
      ? a.strings.elementsEqual(b.strings) : a.rawBytes.elementsEqual(b.rawBytes)
  case (.sequence(let a)?, .sequence(let b)?):
    return a.count == b.count && zip(a, b).allSatisfy { haveSameBits($0, $1) }
  case (.optional(let a)?, .optional(let b)?): return haveSameBits(a, b)
  default: return false
  }
}

private func parts(_ t: Tensor) -> [Double] {
  let bytes = Array(t.rawBytes)
  let size = t.dtype == .complex64 ? 4 : 8
  return (0..<2 * t.count).map { i -> Double in
    var bits: UInt64 = 0
    for j in 0..<size { bits |= UInt64(bytes[i * size + j]) << UInt64(8 * j) }
    return size == 4 ? Double(Float(bitPattern: UInt32(bits))) : Double(bitPattern: bits)
  }
}

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
  case .complex64, .complex128:
    let (a, b) = (parts(got), parts(want))
    for i in a.indices where a[i] != b[i] && !(a[i].isNaN && b[i].isNaN) {
      if abs(a[i] - b[i]) <= atol + rtol * abs(b[i]) && b[i].isFinite { continue }
      return "part \(i) is \(a[i]), expected \(b[i])"
    }
    return nil
  case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz:
    guard let narrow = NarrowFloat(got.dtype) else { return "no float of 8 bits" }
    for i in 0..<got.count where got.rawBytes[i] != want.rawBytes[i] {
      let (x, y) = (narrow.decode(got.rawBytes[i]), narrow.decode(want.rawBytes[i]))
      if !(x.isNaN && y.isNaN) { return "element \(i) is \(x), expected \(y)" }
    }
    return nil
  default:
    return zip(got.rawBytes, want.rawBytes).contains { $0 != $1 } ? "bytes differ" : nil
  }
}
