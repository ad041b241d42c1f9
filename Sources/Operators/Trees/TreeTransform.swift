import Glibc
import Graphs
import Tensors

/// What is done to a row's scores at the end.
///
/// - `softmaxZero`: softmax that leaves zeros zero, up to 1e-7. `probit`: the quantile function of
///   the normal distribution, by Winitzki's approximation of the inverse error function in float32.
/// - Source: ONNX ai.onnx.ml; the approximation and the bounds are ONNX Runtime's.
enum TreeTransform: String, Hashable, Sendable, CaseIterable {
  case none = "NONE"
  case softmax = "SOFTMAX"
  case logistic = "LOGISTIC"
  case softmaxZero = "SOFTMAX_ZERO"
  case probit = "PROBIT"

  static let names = allCases.map(\.rawValue)

  init(_ a: AttributeReader) throws(EngineError) {
    let name = try a.string("post_transform", default: "NONE", oneOf: Self.names)
    self = Self(rawValue: name) ?? .none
  }

  @inline(__always)
  static func exponential<S: BinaryFloatingPoint>(_ v: S) -> S {
    if let v = v as? Float { return S(expf(v)) }
    return S(exp(Double(v)))
  }

  @inline(__always)
  static func logistic<S: BinaryFloatingPoint>(_ x: S) -> S {
    let v = 1 / (1 + exponential(-abs(x)))
    return x < 0 ? 1 - v : v
  }

  @inline(__always)
  static func probit<S: BinaryFloatingPoint>(_ p: S) -> S {
    let x = 2 * Float(p) - 1
    let l = logf((1 - x) * (1 + x))
    let v: Float = 2 / (3.14159 * 0.147) + 0.5 * l
    let root = (-v + (v * v - 1 / 0.147 * l).squareRoot()).squareRoot()
    return S(1.41421356 * (x < 0 ? -root : root))
  }

  /// Of `n` scores in place.
  @inline(__always)
  func apply<S: BinaryFloatingPoint>(_ s: UnsafeMutablePointer<S>, _ n: Int) {
    switch self {
    case .none: break
    case .logistic: for k in 0..<n { s[k] = Self.logistic(s[k]) }
    case .probit: for k in 0..<n { s[k] = Self.probit(s[k]) }
    case .softmax, .softmaxZero:
      var most = -S.greatestFiniteMagnitude
      for k in 0..<n where s[k] > most { most = s[k] }
      let small = self == .softmaxZero ? Self.exponential(-most) : 0
      var sum: S = 0
      for k in 0..<n {
        if self == .softmax || abs(s[k]) > 1e-7 {
          s[k] = Self.exponential(s[k] - most)
          sum += s[k]
        } else {
          s[k] *= small
        }
      }
      for k in 0..<n { s[k] /= sum }
    }
  }
}
