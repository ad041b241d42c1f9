import Graphs
import Kernels
import Tensors

/// The attributes of CumSum and CumProd.
public struct CumulativeOptions: Hashable, Sendable {
  public var isExclusive: Bool
  public var isReverse: Bool
  public init(isExclusive: Bool = false, isReverse: Bool = false) {
    self.isExclusive = isExclusive
    self.isReverse = isReverse
  }
}

/// What CumSum and CumProd share.
public protocol Cumulative: Operator {
  var options: CumulativeOptions { get }
  init(_ options: CumulativeOptions)
  static var isProduct: Bool { get }
}

extension Cumulative {
  public init() { self.init(CumulativeOptions()) }
  public init(reading a: AttributeReader) throws(EngineError) {
    self.init(
      CumulativeOptions(
        isExclusive: try a.bool("exclusive", default: false),
        isReverse: try a.bool("reverse", default: false)))
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if options.isExclusive { list.append(.bool("exclusive", true)) }
    if options.isReverse { list.append(.bool("reverse", true)) }
    return list
  }

  static func makeSchema(_ name: String, _ versions: [Int]) -> Schema {
    let types: DTypes = [.floats, DTypes(.int32, .int64, .uint32, .uint64)]
    return Schema(
      name, versions: versions,
      inputs: [Parameter("x", types), Parameter("axis", .indices, "T2")],
      outputs: [Parameter("y", types)],
      attributes: [
        AttributeSpec("exclusive", .int, "1: an element does not count itself; default 0"),
        AttributeSpec("reverse", .int, "1: from the end; default 0"),
      ],
      isDifferentiable: true,
      cases: {
        let x = try Tensor(shape: [2, 3], [1, -2, 3, 0.5, 2, 7] as [Float])
        let axis = try Tensor(scalar: Int64(1))
        return [
          .init(Self(), [x, axis]),
          .init(Self(CumulativeOptions(isExclusive: true)), [x, try Tensor(scalar: Int32(0))]),
          .init(Self(CumulativeOptions(isExclusive: true, isReverse: true)), [x, axis]),
        ]
      })
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let x = try p.input(0)
    let axisType = try p.input(1)
    guard isNumeral(x.dtype) else { throw p.noKernel() }
    guard axisType.count == 1 else {
      throw EngineError(
        .shape, "axis holds one number", expected: "1 element", received: "\(axisType)")
    }
    let options = options
    let isProduct = Self.isProduct
    let shape = x.shape
    let dtype = x.dtype
    let isWide = axisType.dtype == .int64
    return Prepared(label: "scan") { (m) throws(EngineError) in
      var axis = isWide ? Int(m.input(1, Int64.self)[0]) : Int(m.input(1, Int32.self)[0])
      guard axis >= -shape.rank, axis < shape.rank else {
        throw EngineError(
          .value, "axis is out of range", expected: "\(-shape.rank) to \(shape.rank - 1)",
          received: "\(axis)")
      }
      if axis < 0 { axis += shape.rank }
      CumulativeKernel.run(
        dtype, isProduct: isProduct, isExclusive: options.isExclusive,
        isReverse: options.isReverse, m.inputs[0], outer: shape.count(of: 0..<axis),
        n: shape[axis], inner: shape.count(of: axis + 1..<shape.rank), into: m.outputs[0],
        pool: m.pool)
    }
  }
}

extension Cumulative {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let dy = try g.upstream()
    if !Self.isProduct {
      let back = CumulativeOptions(
        isExclusive: options.isExclusive, isReverse: !options.isReverse)
      g.give(0, try b.apply(CumSum(back), dy, g.input(1)))
      return
    }
    // Every result is linear in each element: its slope is the result with a 1 in the element's
    // place less that with a 0. Exact where elements are 0.
    let x = try g.input(0)
    let rank = try knownRank(b, x)
    guard let given = b.fact(of: try g.input(1)).knownInts?.first else {
      throw EngineError(.notDifferentiable, "the axis is not known")
    }
    let axis = try normalisedAxis(given, rank: rank)
    let n = try b.apply(Squeeze(axes: [0]), size(b, x, axis))
    let zero = try b.constant(Tensor(scalar: Int64(0)))
    let one = try b.constant(Tensor(scalar: Int64(1)))
    let places = try b.apply(RangeOp(), zero, n, one)
    // [n, n, 1, ...]: the new axis stands before the old one.
    let ones = [Int](repeating: 1, count: rank - axis - 1)
    let isOwn = try b.apply(
      Equal(), reshape(b, places, [-1, 1] + ones), reshape(b, places, [-1] + ones))
    let wide = try b.apply(Unsqueeze(axes: [axis]), x)
    let along = try b.constant(Tensor(scalar: Int64(axis + 1)))
    func running(_ value: Double) throws(EngineError) -> B.Value {
      let replaced = try b.apply(Where(), isOwn, scalar(b, value, like: x), wide)
      return try b.apply(CumProd(options), replaced, along)
    }
    let slope = try minus(b, running(1), running(0))
    let up = try b.apply(Unsqueeze(axes: [axis]), dy)
    g.give(0, try sum(b, times(b, up, slope), [axis + 1], keepDims: false))
  }
}
