import Graphs
import Kernels
import Tensors

// Strings to numbers and back, as Cast does it.

/// Elements of any dtype as text: integers in decimal, bools as True and False, floats as the
/// shortest decimal that reads back to the same number, plain from 1e-4 to 1e16.
///
/// Errors: `.dtype` for complex numbers.
func strings(of x: Tensor) throws(EngineError) -> Tensor {
  if x.dtype == .string { return x }
  let texts: [String]
  switch x.dtype {
  case .bool: texts = x.elements(Bool.self).map { $0 ? "True" : "False" }
  case .float64: texts = x.elements(Double.self).map { plainText($0.description) }
  case .float16: texts = x.elements(Float16.self).map { plainText($0.description) }
  case .uint64: texts = x.elements(UInt64.self).map { "\($0)" }
  default:
    if x.dtype.isFloat {
      let wide = try converted(x, .float32)
      texts = wide.elements(Float.self).map { plainText($0.description) }
    } else {
      let wide = try converted(x, .int64)
      texts = wide.elements(Int64.self).map { "\($0)" }
    }
  }
  return try Tensor(shape: x.shape, strings: texts)
}

/// Strings as numbers of `dtype`. Case and blanks around do not matter; inf, +inf, -inf, nan, true
/// and false are understood; a fraction is dropped for integers.
///
/// Errors: `.value` for text that is no number, with its place.
func numbers(
  from x: Tensor, _ dtype: DType, saturate: Bool, rounding: NarrowFloat.Rounding
) throws(EngineError) -> Tensor {
  if dtype == .string { return x }
  func bad(_ i: Int) -> EngineError {
    EngineError(.value, "element \(i) is no number", received: "'\(x.strings[i])'")
  }
  let parsed: Tensor
  if dtype.isFloat && dtype != .float64 {
    var list: [Float] = []
    for (i, text) in x.strings.enumerated() {
      guard let v = Float(trimmed(text)) else { throw bad(i) }
      list.append(v)
    }
    parsed = try Tensor(shape: x.shape, list)
  } else if dtype == .uint64 {
    var list: [UInt64] = []
    for (i, text) in x.strings.enumerated() {
      let t = trimmed(text)
      if let v = UInt64(t) {
        list.append(v)
      } else if let v = Double(t), v > -1, v < 0x1p64 {
        list.append(UInt64(v))
      } else {
        throw bad(i)
      }
    }
    parsed = try Tensor(shape: x.shape, list)
  } else if dtype.isInteger {
    var list: [Int64] = []
    for (i, text) in x.strings.enumerated() {
      let t = trimmed(text)
      if let v = Int64(t) {
        list.append(v)
      } else if let v = Double(t), v >= -0x1p63, v < 0x1p63 {
        list.append(Int64(v))
      } else {
        throw bad(i)
      }
    }
    parsed = try Tensor(shape: x.shape, list)
  } else {
    var list: [Double] = []
    for (i, text) in x.strings.enumerated() {
      let t = trimmed(text)
      guard let v = t == "true" ? 1 : t == "false" ? 0 : Double(t) else { throw bad(i) }
      list.append(v)
    }
    parsed = try Tensor(shape: x.shape, list)
  }
  return try converted(parsed, dtype, saturate: saturate, rounding: rounding)
}

/// `x` in another dtype.
///
/// Errors: `.dtype` for strings and complex numbers.
func converted(
  _ x: Tensor, _ dtype: DType, saturate: Bool = true, rounding: NarrowFloat.Rounding = .up
) throws(EngineError) -> Tensor {
  if x.dtype == dtype { return x }
  guard let c = Conversion(x.dtype, dtype, saturate: saturate, rounding: rounding) else {
    throw EngineError(.dtype, "no conversion", received: "\(x.dtype) to \(dtype)")
  }
  let scratch = try Storage(TensorType(.uint8, [Conversion.scratchBytes]))
  let out = try Storage(TensorType(dtype, x.shape))
  c.run(x.count, x.storage.bytes, out.bytes, scratch: scratch.bytes, .single)
  withExtendedLifetime((x, scratch)) {}
  return Tensor(out)
}

/// Without blanks at its ends, in lower case.
private func trimmed(_ text: String) -> String {
  var s = Substring(text)
  while let first = s.first, first.isWhitespace { s = s.dropFirst() }
  while let last = s.last, last.isWhitespace { s = s.dropLast() }
  return s.lowercased()
}

/// Swift's shortest form with an exponent below 16 written out: `1.5e+07` becomes `15000000.0`.
private func plainText(_ text: String) -> String {
  guard let e = text.firstIndex(of: "e"), let exponent = Int(text[text.index(after: e)...]),
    exponent > 0, exponent < 16
  else { return text }
  let isNegative = text.hasPrefix("-")
  let mantissa = text[..<e].drop { $0 == "-" }
  var digits = ""
  for c in mantissa where c != "." { digits.append(c) }
  while digits.count < exponent + 1 { digits.append("0") }
  let whole = digits.prefix(exponent + 1)
  let fraction = digits.dropFirst(exponent + 1)
  return (isNegative ? "-" : "") + whole + "." + (fraction.isEmpty ? "0" : String(fraction))
}
