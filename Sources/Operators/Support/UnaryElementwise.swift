import Graphs
import Kernels
import Tensors

/// An operator that applies one function to each element: all but its schema, its kernel's name
/// and its gradient follow.
public protocol UnaryElementwise: Operator {
  static var kernel: UnaryOp { get }
  /// What the kernel's `p` and `q` are.
  var parameters: (Double, Double) { get }
  /// The function on integers of shape arithmetic; nil where it is not settled.
  static func integer(_ x: Dim) -> Dim?
}

extension UnaryElementwise {
  public var parameters: (Double, Double) { (0, 0) }
  public static func integer(_ x: Dim) -> Dim? { nil }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = Self.kernel.isPredicate ? .bool : c.dtype(0)
    var values: [Dim]?
    if let x = c.elements(0) {
      var all: [Dim] = []
      for d in x { if let v = Self.integer(d) { all.append(v) } }
      if all.count == x.count { values = all }
    }
    return [Fact(.tensor(dtype, c.dims(0)), elements: values)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    guard let kernel = UnaryKernel(Self.kernel, x.dtype, parameters.0, parameters.1) else {
      throw p.noKernel()
    }
    let count = x.count
    let y = try p.output(0)
    return Prepared(
      inPlace: y.dtype.bits == x.dtype.bits ? 1 : 0, label: "\(Self.kernel) \(x.dtype)"
    ) { m in kernel.run(count: count, m.inputs[0], m.outputs[0], m.pool) }
  }
}
