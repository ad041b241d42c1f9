import Graphs
import Operators
import Tensors

// Operators that move elements, in opsets that lack some of what they do.

extension Speller {
  /// Constants that stand for an operator hold at most so many elements.
  private static let maxElements = 1 << 20

  func movement(
    of op: any Operator, _ node: Graph.Node, _ b: GraphBuilder, _ ids: [ValueID?], _ version: Int
  ) throws(EngineError) -> [ValueID]? {
    func input(_ i: Int) -> ValueID? { i < ids.count ? ids[i] : nil }
    let x = input(0)
    let dims = x.flatMap { b.fact(of: $0).dims }
    func ints(_ i: Int) -> [Int]? { input(i).flatMap { b.fact(of: $0).knownInts } }
    switch op {
    case let op as ConstantOfShape:
      if let shape = ints(0).flatMap({ try? Shape(checking: $0) }),
        let value = try filled(op.value.tensor, shape)
      {
        return [try b.constant(value)]
      }
      return try repeated(op.value.tensor, x, b).map { [$0] }
    case is Expand:
      guard let x, let one = try one(b.fact(of: x).dtype),
        let ones = try repeated(one, input(1), b)
      else { return nil }
      return [try b.apply(Mul(), x, ones)]
    case let op as Split:
      guard let x, let dims, let parts = op.parts, version < 18 else { return nil }
      let axis = op.axis < 0 ? op.axis + dims.count : op.axis
      guard dims.indices.contains(axis), let size = dims[axis].known else { return nil }
      // The last part has what is left.
      let each = (size + parts - 1) / parts
      let sizes = (0..<parts).map { max(0, min(each, size - $0 * each)) }
      return try b.apply(Split(axis: op.axis, sizes: sizes), inputs: [x], outputs: parts).array
    case let op as Pad:
      guard let x, let dims, let pads = ints(1), let axes = ints(3), pads.count == 2 * axes.count
      else { return nil }
      var all = [Int](repeating: 0, count: 2 * dims.count)
      for (k, axis) in axes.enumerated() {
        let i = axis < 0 ? axis + dims.count : axis
        guard dims.indices.contains(i) else { return nil }
        all[i] = pads[k]
        all[dims.count + i] = pads[axes.count + k]
      }
      let list = try b.constant(Tensor(all.map { Int64($0) }))
      return [try b.apply(Pad(mode: op.mode), inputs: [x, list] + (input(2).map { [$0] } ?? []))]
    case is Clip:
      // Max and Min broadcast from opset 8 on.
      guard let x, version >= 8, version < 12 else { return nil }
      var y = x
      if let low = input(1) { y = try b.apply(Max(), y, low) }
      if let high = input(2) { y = try b.apply(Min(), y, high) }
      return y == x ? [try b.apply(Identity(), x)] : [y]
    case let op as ScatterElements:
      guard version < 11, op.reduction == .none else { return nil }
      return [try b.apply(Scatter(axis: op.axis), inputs: ids)]
    case let op as DepthToSpace:
      guard let x, let dims, dims.count == 4, op.isColumnFirst, version < 11,
        let channels = dims[1].known, let h = dims[2].known, let w = dims[3].known
      else { return nil }
      let s = op.blockSize
      let deep = Reshape(fixed: [0, channels / (s * s), s, s, h, w].map { $0 })
      let turned = try b.apply(Transpose(perm: [0, 1, 4, 2, 5, 3]), b.apply(deep, x))
      return [try b.apply(Reshape(fixed: [0, channels / (s * s), h * s, w * s]), turned)]
    case let op as Resize: return try upsample(op, b, ids, dims, version)
    case let op as Trilu:
      return try triangle(op, b, x, dims, k: input(1) == nil ? 0 : ints(1)?.first)
    default: return nil
    }
  }

  /// A tensor of one element as large as a value says whose length is known.
  private func repeated(
    _ value: Tensor, _ shape: ValueID?, _ b: GraphBuilder
  ) throws(EngineError) -> ValueID? {
    guard let shape, value.count == 1, let rank = b.fact(of: shape).dims?.first?.known,
      rank <= Shape.maxRank
    else { return nil }
    let one = try value.reshaped(Shape([Int](repeating: 1, count: rank)))
    return rank == 0 ? try b.constant(one) : try b.apply(Tile(), b.constant(one), shape)
  }

  /// A tensor of one element, repeated; nil where that makes too many.
  private func filled(_ value: Tensor, _ shape: Shape) throws(EngineError) -> Tensor? {
    guard let count = shape.checkedCount, count <= Speller.maxElements, value.count == 1,
      value.dtype.bits >= 8
    else { return nil }
    let size = value.byteCount
    return try Tensor(TensorType(value.dtype, shape)) { (bytes) throws(EngineError) in
      for i in 0..<count { for k in 0..<size { bytes[i * size + k] = value.rawBytes[k] } }
    }
  }

  private func one(_ dtype: DType?) throws(EngineError) -> Tensor? {
    switch dtype {
    case .float32: try Tensor(scalar: Float(1))
    case .float64: try Tensor(scalar: Double(1))
    case .float16: try Tensor(scalar: Float16(1))
    case .int64: try Tensor(scalar: Int64(1))
    case .int32: try Tensor(scalar: Int32(1))
    default: nil
    }
  }

  /// Before opset 10 what Resize does in its simplest form.
  private func upsample(
    _ op: Resize, _ b: GraphBuilder, _ ids: [ValueID?], _ dims: [Dim]?, _ version: Int
  ) throws(EngineError) -> [ValueID]? {
    let plain: Set<NearestMode> = [.floor, .simple]
    guard version < 11, op.coordinates == .asymmetric, op.mode != .cubic, op.axes == nil,
      op.mode == .linear || plain.contains(op.rounding), let x = ids.first.flatMap({ $0 })
    else { return nil }
    // Inputs: X, scales in opset 10; X, roi, scales, sizes since.
    let place = op.isLegacy ? 1 : 2
    guard ids.count > place, ids.count <= 3, let scales = ids[place],
      let list = b.fact(of: scales).constant, list.dtype == .float32, list.count > 0
    else { return nil }
    let factors = Array(list.elements(Float.self))
    guard factors.allSatisfy({ $0 >= 1 }) else { return nil }
    if version == 10 {
      // Resize without a choice of coordinates.
      var old = Graph.Node(type: "Resize", inputs: [nil, nil], outputs: [nil])
      old.attributes = [.string("mode", op.mode.rawValue)]
      guard let made = try? lookup.make(old, 10) else { return nil }
      return try made.build(b, Few(x, scales), outputs: 1).array
    }
    if version >= 9 { return [try b.apply(Upsample(mode: op.mode), x, scales)] }
    return [try b.apply(Upsample(mode: op.mode, scales: factors), x)]
  }

  /// A triangle of matrices whose sizes are known, by a mask.
  private func triangle(
    _ op: Trilu, _ b: GraphBuilder, _ x: ValueID?, _ dims: [Dim]?, k: Int?
  ) throws(EngineError) -> [ValueID]? {
    guard let x, let dims, let k, dims.count >= 2, let rows = dims[dims.count - 2].known,
      let columns = dims[dims.count - 1].known, let zero = try zero(b.fact(of: x).dtype),
      rows.multipliedReportingOverflow(by: columns).partialValue <= Speller.maxElements,
      abs(k) <= Speller.maxElements
    else { return nil }
    var mask: [Bool] = []
    for i in 0..<rows { for j in 0..<columns { mask.append(op.isUpper ? j - i >= k : j - i <= k) } }
    let chosen = try b.constant(Tensor(shape: [rows, columns], mask))
    return [try b.apply(Where(), chosen, x, b.constant(zero))]
  }

  private func zero(_ dtype: DType?) throws(EngineError) -> Tensor? {
    guard let dtype, dtype.bits >= 8, dtype.isFloat || dtype.isInteger || dtype == .bool else {
      return nil
    }
    return try Tensor(TensorType(dtype, [])) { (bytes) throws(EngineError) in
      for i in 0..<bytes.count { bytes[i] = 0 }
    }
  }
}
