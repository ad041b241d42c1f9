import Tensors

/// How far one value is from another.
struct Difference {
  /// Largest absolute error; NaN where shapes, kinds or NaNs differ.
  let absolute: Double
  /// The same divided by the largest magnitude of the first.
  let relative: Double
  /// What differs where that is no number, else the type.
  let note: String

  /// `b` against `a`.
  init(_ a: Value?, _ b: Value?) {
    guard case .tensor(let s)? = a, case .tensor(let t)? = b, s.shape == t.shape,
      let p = s.doubles, let q = t.doubles
    else {
      let words = Tolerance().difference(b, a)
      absolute = words == nil ? 0 : .nan
      relative = absolute
      if case .tensor(let s)? = a { note = words ?? "\(s.type)" } else { note = words ?? "" }
      return
    }
    var (most, scale) = (0.0, 0.0)
    for i in p.indices {
      if p[i].isFinite { scale = max(scale, abs(p[i])) }
      if p[i] == q[i] || (p[i].isNaN && q[i].isNaN) { continue }
      let d = abs(p[i] - q[i])
      // A NaN on one side only must not vanish in the maximum.
      most = d.isNaN || most.isNaN ? .nan : max(most, d)
    }
    absolute = most
    relative = most == 0 ? 0 : most / scale
    note = "\(s.type)"
  }
}
