import Graphs
import Operators
import Tensors

enum DynamicProduct: Pass {
  static let name = "fuse-dynamic-product"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a MatMulInteger with a matrix, cast to float32 and multiplied with the product of "
      + "one scale and of one, or one for each column: dynamic quantisation",
    makes: "a QuantizedLinear, which multiplies sums with scales before they are stored",
    why: "the same products of the same numbers")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) && g.node(i).op is Mul {
      guard let y = g.output(i) else { continue }
      for (x, scales) in g.pairs(y, Mul.self) {
        guard let (cast, op) = g.made(x, by: Cast.self), op.to == .float32,
          let sum = g.input(cast, 0), let (product, _) = g.made(sum, by: MatMulInteger.self),
          let a = g.input(product, 0), let b = g.input(product, 1)
        else { continue }
        guard g.hasOneUse(x), g.hasOneUse(sum), g.dims(b)?.count == 2,
          (g.dims(a)?.count ?? 0) > 0, let n = g.dims(b)?[1]
        else {
          g.miss(i, "\(name): the product has other uses, or no matrix to the right")
          continue
        }
        guard let (left, right) = factors(g, scales, n) else {
          g.miss(i, "\(name): the scales are not one for A and one or \(n) for B")
          continue
        }
        var zero = g.input(product, 2)
        if zero == nil { zero = try g.zeroCode(g.dtype(a) ?? .uint8) }
        guard let zero, g.isOne(zero),
          let (bScale, bZero) = try alike(g, right, g.input(product, 3))
        else {
          g.miss(i, "\(name): zero points differ from row to row")
          continue
        }
        var inputs: [ValueID?] = [a, left, zero, b, bScale]
        if let bZero { inputs.append(bZero) }
        try g.fuse(i, [cast, product], into: QuantizedLinear(), inputs, by: name)
        break
      }
    }
  }

  /// The scale of A and those of B, whose product `v` is.
  private static func factors(
    _ g: GraphEditor, _ v: ValueID, _ n: Dim
  ) -> (left: ValueID, right: ValueID)? {
    for (a, b) in g.pairs(v, Mul.self) where g.dtype(a) == .float32 && g.isOne(a) {
      guard let dims = g.dims(b) else { continue }
      if g.isOne(b) || dims == [n] { return (a, b) }
    }
    return nil
  }

  /// Scales and zero points, as many of the ones as of the others.
  private static func alike(
    _ g: GraphEditor, _ scale: ValueID, _ zero: ValueID?
  ) throws(EngineError) -> (scale: ValueID, zero: ValueID?)? {
    guard let zero else { return (scale, nil) }
    if let z = g.constant(zero), (0..<z.count).allSatisfy({ z.asDouble($0) == 0 }) {
      return (scale, nil)
    }
    guard let s = g.dims(scale)?.product.known, let z = g.dims(zero)?.product.known else {
      return nil
    }
    if s == z { return (scale, zero) }
    if z == 1, let code = g.constant(zero) {
      let bits = code.storage.bytes.load(as: UInt8.self)
      let all = try Tensor(shape: [s], [UInt8](repeating: bits, count: s))
      guard code.dtype == .int8 else { return (scale, g.addConstant(all)) }
      return (
        scale,
        g.addConstant(
          try Tensor(shape: [s], [Int8](repeating: Int8(bitPattern: bits), count: s)))
      )
    }
    return nil
  }
}
