import Tensors

/// The functions that recurrent cells apply, with their numbers settled.
public enum CellActivation: Hashable, Sendable {
  case sigmoid, tanh, relu, softsign, softplus
  case affine(Float, Float)
  case leakyRelu(Float)
  case thresholdedRelu(Float)
  case scaledTanh(Float, Float)
  case hardSigmoid(Float, Float)
  case elu(Float)

  /// Applies it to `n` elements in place, bounded to `-clip...clip` before where `clip` is given.
  func apply<T: RowReal>(_ x: UnsafeMutablePointer<T>, _ n: Int, clip: T?) {
    if let clip { for i in 0..<n { x[i] = x[i] < -clip ? -clip : x[i] > clip ? clip : x[i] } }
    switch self {
    case .sigmoid: T.sigmoid(x, n)
    case .tanh: T.tanh(x, n)
    case .relu: for i in 0..<n where x[i] < 0 { x[i] = 0 }
    case .softsign: for i in 0..<n { x[i] /= 1 + x[i].magnitude }
    case .softplus:
      // log(1 + e^x) without overflow.
      for i in 0..<n {
        x[i] = (x[i] > 0 ? x[i] : 0) + T.logarithm(1 + T.exponential(-x[i].magnitude))
      }
    case .affine(let a, let b): for i in 0..<n { x[i] = T(a) * x[i] + T(b) }
    case .leakyRelu(let a): for i in 0..<n where x[i] < 0 { x[i] *= T(a) }
    case .thresholdedRelu(let a): for i in 0..<n where !(x[i] > T(a)) { x[i] = 0 }
    case .scaledTanh(let a, let b):
      for i in 0..<n { x[i] *= T(b) }
      T.tanh(x, n)
      for i in 0..<n { x[i] *= T(a) }
    case .hardSigmoid(let a, let b):
      for i in 0..<n {
        let v = T(a) * x[i] + T(b)
        x[i] = v < 0 ? 0 : v > 1 ? 1 : v
      }
    case .elu(let a): for i in 0..<n where x[i] < 0 { x[i] = T(a) * (T.exponential(x[i]) - 1) }
    }
  }
}
