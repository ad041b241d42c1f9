import Graphs
import Kernels
import Tensors

/// The attributes of ArgMax and ArgMin.
public struct ArgOptions: Hashable, Sendable {
  public var axis: Int
  public var keepDims: Bool
  public var selectsLast: Bool
  public init(axis: Int = 0, keepDims: Bool = true, selectsLast: Bool = false) {
    self.axis = axis
    self.keepDims = keepDims
    self.selectsLast = selectsLast
  }
}

/// What ArgMax and ArgMin share.
public protocol ArgReduce: Operator {
  var options: ArgOptions { get }
  init(_ options: ArgOptions)
  static var isMin: Bool { get }
}

extension ArgReduce {
  public init() { self.init(ArgOptions()) }
  public init(reading a: AttributeReader) throws(EngineError) {
    self.init(
      ArgOptions(
        axis: try a.int("axis", default: 0), keepDims: try a.bool("keepdims", default: true),
        selectsLast: try a.bool("select_last_index", default: false)))
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if options.axis != 0 { list.append(.int("axis", options.axis)) }
    if !options.keepDims { list.append(.bool("keepdims", false)) }
    if options.selectsLast { list.append(.bool("select_last_index", true)) }
    return list
  }

  static func makeSchema(_ name: String) -> Schema {
    Schema(
      name, versions: [1, 11, 12, 13], inputs: [Parameter("data", .numeric)],
      outputs: [Parameter("reduced", .int64, "")],
      attributes: [
        AttributeSpec("axis", .int, "-rank to rank - 1; default 0"),
        AttributeSpec("keepdims", .int, "1 (default): the axis stays with size 1"),
        AttributeSpec(
          "select_last_index", .int, "1: the last of equals; default 0: the first", since: 12),
      ],
      cases: {
        let x = try Tensor(shape: [2, 3, 4], (0..<24).map { Float(($0 * 7) % 24) })
        return [
          .init(Self(ArgOptions()), [x]),
          .init(Self(ArgOptions(axis: -1, keepDims: false)), [x]),
          .init(Self(ArgOptions(axis: 1, selectsLast: true)), [x]),
        ]
      })
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard var dims = c.dims(0) else { return [Fact(.int64, nil)] }
    let axis = try normalisedAxis(options.axis, rank: dims.count)
    if options.keepDims { dims[axis] = 1 } else { dims.remove(at: axis) }
    return [Fact(.int64, dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    guard isNumeral(x.dtype) else { throw p.noKernel() }
    let axis = try normalisedAxis(options.axis, rank: x.shape.rank)
    let outer = x.shape.count(of: 0..<axis)
    let n = x.shape[axis]
    let inner = x.shape.count(of: axis + 1..<x.shape.rank)
    guard n > 0 || outer * inner == 0 else {
      throw EngineError(
        .shape, "there is no \(Self.isMin ? "least" : "largest") of no elements",
        expected: "at least one element along axis \(axis)", received: "shape \(x.shape)")
    }
    let kernel = ArgKernel(isMin: Self.isMin, selectsLast: options.selectsLast)
    let dtype = x.dtype
    return Prepared(label: "arg") { m in
      kernel.run(
        dtype, m.inputs[0], outer: outer, n: n, inner: inner, into: m.output(0), pool: m.pool)
    }
  }
}
