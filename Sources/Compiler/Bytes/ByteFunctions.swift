import Graphs
import Kernels
import Operators
import Tensors

/// What a value is, number by number, for each byte of an image.
struct ByteCurve {
  /// The quantised image.
  let base: ValueID
  /// 256 numbers.
  let values: Tensor
}

extension ByteWalk {
  /// A chain of functions, and of sums and products of what comes from one image, as a table: the
  /// operators themselves compute its 256 entries.
  mutating func function(
    _ x: ValueID, _ scale: PixelScale, _ y: ValueID, at place: Int
  ) throws(EngineError) -> ByteImage? {
    guard g.dims(x)?.count == 4 || g.dims(x)?.count == 2,
      let curve = curves(x).last, let image = images[curve.base],
      let values = try? curve.values.values(as: Float.self)
    else { return nil }
    let table = values.map { UInt8(scale.byte($0)) }
    tables[y] = (curve.base, table)
    return try looked(image, table, at: place)
  }

  /// The ways in which `v` is a function of one image's bytes, from the nearest image to the one
  /// furthest up.
  func curves(_ v: ValueID, depth: Int = 0) -> [ByteCurve] {
    guard depth < 16, let i = g.maker(v) else { return [] }
    if let q = Quantity(dequantizing: i, g) {
      guard images[q.value] != nil else { return [] }
      var list: [ByteCurve] = []
      if let own = try? Tensor((0..<256).map { q.scale.value($0) }) {
        list.append(ByteCurve(base: q.value, values: own))
      }
      if let (base, table) = tables[q.value], images[base] != nil,
        let far = try? Tensor(table.map { q.scale.value(Int($0)) })
      {
        list.append(ByteCurve(base: base, values: far))
      }
      return list
    }
    guard let op = g.node(i).op, isFunction(op), g.broadcastsBothWays(i), let y = g.output(i) else {
      return []
    }
    // Each input is a number known before, or a function of the same image.
    var candidates: [[ByteCurve]] = []
    var bases: [ValueID]?
    for input in g.node(i).inputs {
      guard let input else {
        candidates.append([])
        continue
      }
      if let t = g.constant(input) {
        guard t.count == 1 else { return [] }
        candidates.append([])
        continue
      }
      guard g.dims(input) == g.dims(y) else { return [] }
      let list = curves(input, depth: depth + 1)
      if list.isEmpty { return [] }
      candidates.append(list)
      let own = list.map(\.base)
      bases = bases.map { $0.filter { own.contains($0) } } ?? own
    }
    var result: [ByteCurve] = []
    for base in bases ?? [] {
      var inputs: [Value?] = []
      for (input, list) in zip(g.node(i).inputs, candidates) {
        if let curve = list.first(where: { $0.base == base }) {
          inputs.append(.tensor(curve.values))
        } else {
          inputs.append(g.constant(input).map { .tensor($0) })
        }
      }
      let made = try? Eager().evaluate(op, inputs, outputs: 1, runner: nil)
      guard case .tensor(let t)?? = made?.first, t.count == 256, t.dtype == .float32 else {
        continue
      }
      result.append(ByteCurve(base: base, values: t))
    }
    return result
  }

  private func isFunction(_ op: any Operator) -> Bool {
    switch op {
    case is any UnaryElementwise, is Clip, is Add, is Sub, is Mul, is Div, is Max, is Min, is Pow:
      true
    default: false
    }
  }
}
