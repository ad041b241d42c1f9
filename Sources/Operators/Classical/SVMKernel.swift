import Glibc
import Graphs
import Kernels
import Tensors

/// How a support vector machine compares a row `x` with a support vector `v`.
///
/// LINEAR `x . v`; POLY `(gamma x . v + coef0)^degree`; RBF `e^(-gamma |x - v|^2)`; SIGMOID
/// `tanh(gamma x . v + coef0)`.
public struct SVMKernel: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case linear = "LINEAR"
    case poly = "POLY"
    case rbf = "RBF"
    case sigmoid = "SIGMOID"
  }
  public let kind: Kind
  public let gamma: Float
  public let coef0: Float
  public let degree: Float

  static let specs = [
    AttributeSpec("kernel_params", .floats, "gamma, coef0 and degree; default 0"),
    AttributeSpec("kernel_type", .string, "LINEAR (default), POLY, RBF or SIGMOID"),
  ]

  public init(_ kind: Kind = .linear, gamma: Float = 0, coef0: Float = 0, degree: Float = 0) {
    self.kind = kind
    self.gamma = gamma
    self.coef0 = coef0
    self.degree = degree
  }

  /// Errors: `.attribute` for an unknown kernel or another number of parameters than none and 3.
  init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string(
      "kernel_type", default: "LINEAR", oneOf: Kind.allCases.map(\.rawValue))
    let p = try a.floats("kernel_params", default: [])
    guard p.isEmpty || p.count == 3 else {
      throw EngineError(
        .attribute, "'kernel_params' has the wrong length", expected: "3", received: "\(p.count)")
    }
    kind = Kind(rawValue: name) ?? .linear
    (gamma, coef0, degree) = p.isEmpty ? (0, 0, 0) : (p[0], p[1], p[2])
  }
  var attributes: [Attribute] {
    [.floats("kernel_params", [gamma, coef0, degree]), .string("kernel_type", kind.rawValue)]
  }
}

/// The kernel between rows and all support vectors, tile by tile: `[rows, vectors]`.
struct SVMKernelRows: Sendable {
  let vectors: Int
  /// Scratch that one call of `run` needs.
  let scratchBytes: Int
  private let kernel: SVMKernel
  private let distances: SquaredDistances?
  private let products: LinearScores?

  private static let exp = UnaryKernel(.exp, .float32)
  private static let tanh = UnaryKernel(.tanh, .float32)

  init(
    _ kernel: SVMKernel, _ support: [Float], vectors: Int, rows: FeatureRows
  ) throws(EngineError) {
    self.kernel = kernel
    self.vectors = vectors
    if kernel.kind == .rbf {
      distances = try SquaredDistances(support, vectors: vectors, features: rows.features)
      products = nil
      scratchBytes = 0
      return
    }
    let isLinear = kernel.kind == .linear
    let p = try LinearScores(
      weights: support, outputs: vectors, bias: isLinear ? [] : [kernel.coef0], rows: rows,
      alpha: isLinear ? 1 : kernel.gamma)
    distances = nil
    products = p
    scratchBytes = p.scratchBytes
  }

  func run(
    rows: Int, _ x: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer
  ) {
    let count = rows * vectors
    distances?.run(rows: rows, x, into: out)
    products?.run(rows: rows, x, into: out, scratch: scratch)
    switch kernel.kind {
    case .linear: break
    case .rbf:
      Float.affine(out, count, shift: 0, scale: -kernel.gamma, bias: 0, into: out)
      SVMKernelRows.exp?.run(count: count, out, out, .single)
    case .sigmoid: SVMKernelRows.tanh?.run(count: count, out, out, .single)
    case .poly:
      if kernel.degree == 2 {
        for i in 0..<count { out[i] *= out[i] }
      } else if kernel.degree == 3 {
        for i in 0..<count { out[i] *= out[i] * out[i] }
      } else if kernel.degree != 1 {
        for i in 0..<count { out[i] = powf(out[i], kernel.degree) }
      }
    }
  }
}
