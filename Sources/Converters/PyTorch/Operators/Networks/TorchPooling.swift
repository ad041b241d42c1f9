import Graphs
import Operators
import Tensors

/// Poolings with a window.
enum TorchPooling {
  static let operators: [TorchOperator] = TorchOperator.joined(each(1), each(2), each(3))

  private static func each(_ n: Int) -> [TorchOperator] {
    [
      .one("aten.max_pool\(n)d.default") { (c) throws(EngineError) in
        try pooled(c, n) { (x, window) throws(EngineError) in
          [try c.builder.apply(MaxPool(window), x)]
        }[0]
      },
      TorchOperator("aten.max_pool\(n)d_with_indices.default") { (c) throws(EngineError) in
        try withPlaces(c, n)
      },
      .one("aten.avg_pool\(n)d.default") { (c) throws(EngineError) in try average(c, n) },
      .one("aten.lp_pool\(n)d.default") { (c) throws(EngineError) in
        let p = try c.int("norm_type", 2)
        return try pooled(c, n) { (x, window) throws(EngineError) in
          [try c.builder.apply(LpPool(window, p: p), x)]
        }[0]
      },
    ]
  }

  private static func pooled(
    _ c: TorchCall, _ n: Int, _ make: (ValueID, Window) throws(EngineError) -> [ValueID]
  ) throws(EngineError) -> [ValueID] {
    var x = try c.x()
    let isSingle = try c.rank(x) == n + 1
    if isSingle { x = try c.unsqueezed(x, [0]) }
    guard try c.rank(x) == n + 2 else {
      throw EngineError(.malformed, "the operand does not have \(n) spatial axes")
    }
    let kernel = try c.spatial("kernel_size", n, 1)
    var strides = kernel
    if let list = try c.ints("stride"), !list.isEmpty { strides = try c.spatial("stride", n, 1) }
    let pads = try c.spatial("padding", n, 0)
    let dilations = try c.spatial("dilation", n, 1)
    let bounds = kernel + strides + dilations
    guard bounds.allSatisfy({ $0 > 0 && $0 < 1 << 31 }),
      pads.allSatisfy({ $0 >= 0 && $0 < 1 << 31 })
    else { throw EngineError(.malformed, "kernel, stride, padding or dilation is out of range") }
    var window = Window(kernel: kernel, ceilMode: try c.bool("ceil_mode", false))
    if strides.contains(where: { $0 != 1 }) { window.strides = strides }
    if dilations.contains(where: { $0 != 1 }) { window.dilations = dilations }
    if pads.contains(where: { $0 != 0 }) { (window.padsBegin, window.padsEnd) = (pads, pads) }
    var results = try make(x, window)
    if isSingle { for i in results.indices { results[i] = try c.squeezed(results[i], [0]) } }
    return results
  }

  /// The places count within one channel; ONNX counts in the whole tensor.
  private static func withPlaces(_ c: TorchCall, _ n: Int) throws(EngineError) -> [TorchValue] {
    let names = c.node.outputs.flatMap(\.names)
    let isWanted = names.count > 1 && c.graph.isUsed(names[1])
    let results = try pooled(c, n) { (x, window) throws(EngineError) in
      guard isWanted else { return [try c.builder.apply(MaxPool(window), x)] }
      let both = try c.builder.apply(MaxPool(window), inputs: [x], outputs: 2)
      var area = try c.builder.ints([1])
      for axis in 0..<n { area = try c.mul(area, try c.vector(try c.size(of: x, axis + 2))) }
      return [both[0], try c.builder.apply(Mod(), both[1], area)]
    }
    return results.map { .tensor($0) }
  }

  private static func average(_ c: TorchCall, _ n: Int) throws(EngineError) -> ValueID {
    let countsPads = try c.bool("count_include_pad", true)
    return try pooled(c, n) { (x, window) throws(EngineError) in
      let hasPads = window.padsBegin.contains { $0 != 0 }
      let y = try c.builder.apply(AveragePool(window, countsPads: countsPads && hasPads), x)
      guard c.has("divisor_override") else { return [y] }
      guard !window.ceilMode, countsPads || !hasPads else {
        throw EngineError(.unsupported, "divisor_override with windows cut off at the edge")
      }
      let area = window.kernel.reduce(1.0) { $0 * Double($1) }
      return [try c.mul(y, area / (try c.double("divisor_override", 1)))]
    }[0]
  }
}
