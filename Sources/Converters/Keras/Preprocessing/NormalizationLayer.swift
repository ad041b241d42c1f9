import Graphs
import Operators
import Tensors

/// `(x - mean) / max(sqrt(variance), 1e-7)` with statistics along some axes, or the inverse.
struct NormalizationLayer: KerasLayer {
  let axes: [Int]
  let inverts: Bool
  private let given: (mean: [Double], variance: [Double])?

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    axes = config.members["axis"] == .null ? [] : try config.ints("axis", default: [-1])
    inverts = try config.bool("invert", default: false)
    if config["mean"] != nil {
      let mean = try config.numbers("mean", default: 0).values
      let variance = try config.numbers("variance", default: 1).values
      guard mean.count == variance.count else {
        throw EngineError(.malformed, "'\(config.name)' has means and variances of two lengths")
      }
      given = (mean, variance)
    } else {
      given = nil
    }
  }

  var variables: [KerasVariable] {
    guard given == nil else { return [] }
    return [
      KerasVariable("mean", isTrained: false), KerasVariable("variance", isTrained: false),
      KerasVariable("count", isTrained: false, isUsed: false),
    ]
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.numeric(try call.raw())
    let eager = Eager()
    let rank = try call.rank(x.id)
    var sides = [Int](repeating: 1, count: rank)
    for a in axes {
      let i = try call.axis(a, rank: rank)
      sides[i] = try call.size(x.id, i)
    }
    func shaped(_ t: Tensor) throws(EngineError) -> Tensor {
      if t.shape.count == 1 { return try t.reshaped([]) }
      // Lists shorter than all axes stand along the last of them.
      var target = sides
      if t.shape.count != target.reduce(1, *),
        let last = axes.map({ $0 < 0 ? $0 + rank : $0 }).max()
      {
        target = [Int](repeating: 1, count: rank)
        target[last] = t.shape.count
      }
      return try t.reshaped(try Shape(checking: target))
    }
    func spread(_ t: Tensor) throws(EngineError) -> Tensor {
      let wide = try eager.apply(Cast(to: .float64), t)
      let root = try eager.apply(Sqrt(), wide)
      return try eager.apply(Max(), root, try Tensor(scalar: 1e-7))
    }
    let mean: ValueID
    let divisor: ValueID
    if let given {
      let centre = try eager.apply(Cast(to: call.dtype), try Tensor(given.mean))
      let wide = try eager.apply(Cast(to: call.dtype), try spread(try Tensor(given.variance)))
      mean = try call.b.constant(try shaped(centre))
      divisor = try call.b.constant(try shaped(wide))
    } else {
      mean = try call.weight(0, form: "shaped \(sides)") { (w) throws(EngineError) in
        try shaped(w)
      }
      divisor = try call.weight(1, as: call.dtype, form: "deviation \(sides)") {
        (w) throws(EngineError) in try shaped(try spread(w))
      }
    }
    let y =
      inverts
      ? try call.add(mean, try call.mul(x.id, divisor))
      : try call.div(try call.sub(x.id, mean), divisor)
    return call.pass(x, y)
  }
}
