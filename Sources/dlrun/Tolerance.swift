import Formats
import Glibc
import Graphs
import Tensors

/// How far results may lie from what is expected: `|got - want| <= atol + rtol * |want|`.
struct Tolerance {
  /// The ONNX backend suite's own.
  var rtol = 1e-3
  var atol = 1e-7

  init(rtol: Double = 1e-3, atol: Double = 1e-7) {
    self.rtol = rtol
    self.atol = atol
  }

  /// From a `tol.json`; the suite's own where there is none.
  init(file: String) throws(EngineError) {
    guard access(file, R_OK) == 0 else { return }
    let text = String(decoding: try readFile(file), as: UTF8.self)
    rtol = Self.number("rtol", in: text) ?? rtol
    atol = Self.number("atol", in: text) ?? atol
  }

  private static func number(_ key: String, in text: String) -> Double? {
    guard let range = text.firstRange(of: "\"\(key)\"") else { return nil }
    let rest = text[range.upperBound...].drop { $0 == ":" || $0 == " " }
    return Double(rest.prefix { $0.isNumber || "+-.eE".contains($0) })
  }

  /// What is wrong with `got`, or nil. NaN equals only NaN, an infinity only itself.
  func difference(_ got: Value?, _ want: Value?) -> String? {
    switch (got, want) {
    case (nil, nil): return nil
    case (.tensor(let a)?, .tensor(let b)?): return difference(a, b)
    case (.sequence(let a)?, .sequence(let b)?):
      if a.count != b.count { return "\(a.count) elements, expected \(b.count)" }
      for i in a.indices {
        if let d = difference(a[i], b[i]) { return "element \(i) of the sequence: \(d)" }
      }
      return nil
    case (.optional(let a)?, .optional(let b)?): return difference(a, b)
    case (.optional(let a)?, let b): return difference(a, b)
    case (let a, .optional(let b)?): return difference(a, b)
    case (.map(let a)?, .map(let b)?): return difference(a, b)
    default:
      return "\(got?.kind ?? "nothing"), expected \(want?.kind ?? "nothing")"
    }
  }

  /// Maps agree key by key, whatever the order and however values are held.
  private func difference(_ got: MapValue, _ want: MapValue) -> String? {
    let (places, keys) = (places(got.keys), places(want.keys))
    guard let places, let keys, Set(places.keys) == Set(keys.keys) else {
      return "other keys: \(got.keys), expected \(want.keys)"
    }
    let (a, b) = (items(got.values), items(want.values))
    for (key, i) in keys.sorted(by: { $0.value < $1.value }) {
      guard let j = places[key], j < a.count, i < b.count else { return "a key without a value" }
      if let d = difference(a[j], b[i]) { return "at key '\(key)': \(d)" }
    }
    return nil
  }

  /// Where each key lies; nil where one is there twice.
  private func places(_ keys: Tensor) -> [String: Int]? {
    let texts: [String]
    switch keys.dtype {
    case .string: texts = keys.strings
    case .int64: texts = keys.elements(Int64.self).map { "\($0)" }
    default: return nil
    }
    return Set(texts).count == texts.count
      ? Dictionary(uniqueKeysWithValues: zip(texts, 0...)) : nil
  }

  /// A map's values one by one, scalars of rank 0.
  private func items(_ values: Value) -> [Value] {
    if case .sequence(let list) = values {
      return list.map { v in
        if case .tensor(let t) = v, t.count == 1, let scalar = try? t.reshaped([]) {
          return .tensor(scalar)
        }
        return v
      }
    }
    guard case .tensor(let t) = values, t.shape.rank == 1 else { return [values] }
    return (0..<t.count).compactMap { i in
      if t.dtype == .string {
        return (try? Tensor(shape: [], strings: [t.strings[i]])).map { .tensor($0) }
      }
      let size = t.dtype.byteSize
      let type = TensorType(t.dtype, [])
      return .tensor(
        Tensor(Storage(type, borrowing: t.storage.bytes + i * size, owner: t.storage)))
    }
  }

  private func difference(_ got: Tensor, _ want: Tensor) -> String? {
    if got.dtype != want.dtype { return "dtype \(got.dtype), expected \(want.dtype)" }
    if got.shape != want.shape { return "shape \(got.shape), expected \(want.shape)" }
    if got.dtype == .string {
      for i in 0..<got.count where got.strings[i] != want.strings[i] {
        return "element \(i) is '\(got.strings[i])', expected '\(want.strings[i])'"
      }
      return nil
    }
    switch got.dtype {
    case .float32: return scan(got, want, Float.self) { Double($0) }
    case .float64: return scan(got, want, Double.self) { $0 }
    case .float16: return scan(got, want, Float16.self) { Double($0) }
    case .bfloat16:
      // Two steps of bfloat16, as ONNX's own test runner allows.
      let wide = Tolerance(rtol: max(rtol, 0x1p-6), atol: atol)
      return wide.scan(got, want, BFloat16.self) { Double($0.float) }
    case .int8: return scan(got, want, Int8.self) { Double($0) }
    case .uint8: return scan(got, want, UInt8.self) { Double($0) }
    case .int16: return scan(got, want, Int16.self) { Double($0) }
    case .uint16: return scan(got, want, UInt16.self) { Double($0) }
    case .int32: return scan(got, want, Int32.self) { Double($0) }
    case .uint32: return scan(got, want, UInt32.self) { Double($0) }
    case .complex64: return parts(got, want, Float.self) { Double($0) }
    case .complex128: return parts(got, want, Double.self) { $0 }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz:
      // Exact, but any NaN is as good as another.
      guard let narrow = NarrowFloat(got.dtype) else { return nil }
      let exact = Tolerance(rtol: 0, atol: 0)
      for i in 0..<got.count {
        let (a, b) = (narrow.decode(got.rawBytes[i]), narrow.decode(want.rawBytes[i]))
        if !exact.agree(Double(a), Double(b)) || (a == 0 && a.sign != b.sign) {
          return "element \(i) is \(a), expected \(b) (\(got.type))"
        }
      }
      return nil
    default:
      for i in 0..<got.byteCount where got.rawBytes[i] != want.rawBytes[i] {
        return "byte \(i) is \(got.rawBytes[i]), expected \(want.rawBytes[i]) (\(got.type))"
      }
      return nil
    }
  }

  private func parts<T: Element>(
    _ got: Tensor, _ want: Tensor, _: T.Type, _ number: (T) -> Double
  ) -> String? {
    let a = got.storage.bytes.assumingMemoryBound(to: T.self)
    let b = want.storage.bytes.assumingMemoryBound(to: T.self)
    for i in 0..<(2 * got.count) where !agree(number(a[i]), number(b[i])) {
      return "part \(i) is \(a[i]), expected \(b[i])"
    }
    return nil
  }

  private func scan<T: Element>(
    _ got: Tensor, _ want: Tensor, _: T.Type, _ number: (T) -> Double
  ) -> String? {
    let (a, b) = (got.elements(T.self), want.elements(T.self))
    for i in 0..<a.count where !agree(number(a[i]), number(b[i])) {
      return "element \(i) is \(number(a[i])), expected \(number(b[i])) (\(got.type))"
    }
    return nil
  }

  func agree(_ x: Double, _ y: Double) -> Bool {
    x == y || (x.isNaN && y.isNaN) || (y.isFinite && abs(x - y) <= atol + rtol * abs(y))
  }
}
