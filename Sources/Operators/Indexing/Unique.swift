import Graphs
import Tensors

/// The distinct elements, or the distinct slices along an axis.
///
/// - `X`: any dtype of whole bytes, or strings; any shape.
/// - Outputs: the distinct ones; int64 lists: place of the first occurrence of each, place in the
///   result of each input, number of occurrences of each.
/// - `axis`: absent: the input is flattened. `sorted`: 1 (default): rising order, slices compared
///   element by element; 0: in order of first occurrence. NaN equals NaN and comes last; strings
///   are ordered by their bytes.
/// - The outputs' sizes depend on data.
/// - Errors: `.attribute` for `axis`.
/// - Cost: sorting.
/// - Source: ONNX Unique 11, 28.
public struct Unique: Operator {
  public let axis: Int?
  public let isSorted: Bool

  public static let schema = Schema(
    "Unique", versions: [11, 28], inputs: [Parameter("X", Expand.types)],
    outputs: [
      Parameter("Y", Expand.types), .optional("indices", .int64, ""),
      .optional("inverse_indices", .int64, ""), .optional("counts", .int64, ""),
    ],
    attributes: [
      AttributeSpec("axis", .int, "the axis; default: the flattened input"),
      AttributeSpec("sorted", .int, "1 (default): rising; 0: order of first occurrence"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor([2, 1, 1, 3, 4, 3] as [Int64])
      let rows = try Tensor(shape: [3, 2], [2, 0.5, -1, 3, 1.5, 4] as [Float])
      return [
        .init(Unique(), [x], outputCount: 4), .init(Unique(), [rows], outputCount: 1),
        .init(Unique(axis: 0, isSorted: false), [x], outputCount: 4),
        .init(Unique(axis: 0), [rows], outputCount: 4),
      ]
    })

  public init(axis: Int? = nil, isSorted: Bool = true) {
    self.axis = axis
    self.isSorted = isSorted
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    axis = try a.optionalInt("axis")
    isSorted = try a.bool("sorted", default: true)
  }
  public var attributes: [Attribute] {
    (axis.map { [.int("axis", $0)] } ?? []) + [.bool("sorted", isSorted)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let count = c.unknown()
    let x = c.dims(0)
    var dims = axis == nil ? [count] : x
    var inputs: Dim?
    if let axis, let x {
      let at = try normalisedAxis(axis, rank: x.count)
      dims?[at] = count
      inputs = x[at]
    } else {
      inputs = x?.reduce(1, *)
    }
    return [
      Fact(c.dtype(0), dims), Fact(.int64, [count]), Fact(.int64, [inputs ?? c.unknown()]),
      Fact(.int64, [count]),
    ]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    var x = try e.tensor(0)
    if axis == nil { x = try x.reshaped([x.count]) }
    let at = try normalisedAxis(axis ?? 0, rank: x.shape.rank)
    let size = x.shape[at]
    let order: [Int]
    /// Whether neighbours in the order are equal.
    let isEqual: (Int, Int) -> Bool
    if x.dtype == .string {
      let rows = slices(x.strings.map { Array($0.utf8) }, of: x, at)
      order = (0..<size).sorted { a, b in
        for (p, q) in zip(rows[a], rows[b]) where p != q { return p.lexicographicallyPrecedes(q) }
        return a < b
      }
      isEqual = { rows[$0] == rows[$1] }
    } else {
      let keys = try sortKeys(x)
      let length = size == 0 ? 0 : keys.count / size
      if length == 1 {
        var pairs = (0..<size).map { (keys[$0], $0) }
        pairs.sort { a, b in a.0 != b.0 ? a.0 < b.0 : a.1 < b.1 }
        order = pairs.map { $0.1 }
        isEqual = { keys[$0] == keys[$1] }
      } else {
        let rows = lines(keys, of: x, at)
        order = (0..<size).sorted { a, b in
          for j in 0..<length {
            let (p, q) = (rows[a * length + j], rows[b * length + j])
            if p != q { return p < q }
          }
          return a < b
        }
        isEqual = { a, b in
          (0..<length).allSatisfy { rows[a * length + $0] == rows[b * length + $0] }
        }
      }
    }
    // Where groups of equals begin in the order; the first of a group is its first in the input.
    var starts = order.indices.filter { $0 == 0 || !isEqual(order[$0 - 1], order[$0]) }
    let ends = starts.dropFirst() + [order.count]
    var groups = Array(zip(starts, ends))
    if !isSorted { groups.sort { order[$0.0] < order[$1.0] } }
    starts = groups.map { $0.0 }
    var inverse = [Int64](repeating: 0, count: size)
    for (g, group) in groups.enumerated() {
      for i in group.0..<group.1 { inverse[order[i]] = Int64(g) }
    }
    let firsts = try Tensor(starts.map { Int64(order[$0]) })
    var results = try e.run(Gather(axis: at), [.tensor(x), .tensor(firsts)])
    results += [
      .tensor(firsts), .tensor(try Tensor(inverse)),
      .tensor(try Tensor(groups.map { Int64($0.1 - $0.0) })),
    ]
    return Array(results.prefix(e.outputCount))
  }

  /// Slices along `axis` behind each other, as keys, of which each element has as many.
  private func lines(_ keys: [UInt64], of x: Tensor, _ axis: Int) -> [UInt64] {
    let outer = x.shape.count(of: 0..<axis)
    if outer == 1 { return keys }
    let size = x.shape[axis]
    let inner =
      x.shape.count(of: axis + 1..<x.shape.rank) * (x.count == 0 ? 1 : keys.count / x.count)
    return [UInt64](unsafeUninitializedCapacity: keys.count) { y, count in
      keys.withUnsafeBufferPointer { keys in
        var at = 0
        for i in 0..<size {
          for o in 0..<outer {
            let first = (o * size + i) * inner
            for k in 0..<inner { y.initializeElement(at: at + k, to: keys[first + k]) }
            at += inner
          }
        }
      }
      count = keys.count
    }
  }

  /// Slices along `axis` as rows of keys, of which each element has as many.
  private func slices<Key>(_ keys: [Key], of x: Tensor, _ axis: Int) -> [[Key]] {
    let size = x.shape[axis]
    let outer = x.shape.count(of: 0..<axis)
    let inner =
      x.shape.count(of: axis + 1..<x.shape.rank) * (x.count == 0 ? 1 : keys.count / x.count)
    var rows: [[Key]] = []
    for i in 0..<size {
      var row: [Key] = []
      for o in 0..<outer {
        let first = (o * size + i) * inner
        row += keys[first..<first + inner]
      }
      rows.append(row)
    }
    return rows
  }
}

/// Numbers for each element (two for a complex one) whose order is the elements'.
private func sortKeys(_ x: Tensor) throws(EngineError) -> [UInt64] {
  func floating(_ v: Double) -> UInt64 {
    if v.isNaN { return UInt64.max }
    let bits: UInt64 = (v == 0 ? 0 : v).bitPattern
    return bits >> 63 == 1 ? ~bits : bits | (1 << 63)
  }
  func signed<T: FixedWidthInteger & Element>(_: T.Type) -> [UInt64] {
    x.elements(T.self).map { (v: T) -> UInt64 in UInt64(bitPattern: Int64(v)) ^ (1 << 63) }
  }
  func unsigned<T: FixedWidthInteger & Element>(_: T.Type) -> [UInt64] {
    x.elements(T.self).map { (v: T) -> UInt64 in UInt64(v) }
  }
  switch x.dtype {
  case .bool: return x.rawBytes.map { UInt64($0) }
  case .int8: return signed(Int8.self)
  case .int16: return signed(Int16.self)
  case .int32: return signed(Int32.self)
  case .int64: return signed(Int64.self)
  case .uint8: return unsigned(UInt8.self)
  case .uint16: return unsigned(UInt16.self)
  case .uint32: return unsigned(UInt32.self)
  case .uint64: return unsigned(UInt64.self)
  case .float16: return x.elements(Float16.self).map { floating(Double($0)) }
  case .bfloat16: return x.elements(BFloat16.self).map { floating(Double($0.float)) }
  case .float32: return x.elements(Float.self).map { floating(Double($0)) }
  case .float64: return x.elements(Double.self).map { floating($0) }
  case .complex64:
    let p = x.storage.bytes.assumingMemoryBound(to: Float.self)
    return (0..<2 * x.count).map { floating(Double(p[$0])) }
  case .complex128:
    let p = x.storage.bytes.assumingMemoryBound(to: Double.self)
    return (0..<2 * x.count).map { floating(p[$0]) }
  default:
    throw EngineError(.dtype, "no order of these elements", received: "\(x.dtype)")
  }
}

extension Unique {
  /// Each element gets the gradient of what it was counted under, shared among equals.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard g.needs(0) else { return }
    let x = try g.input(0)
    let all =
      g.outputs.count > 3 ? g.outputs : try b.apply(self, inputs: [x], outputs: 4)
    let spread = try shared(
      b, g.upstream(), inverse: all[2], counts: all[3],
      axis: axis.map { (a) throws(EngineError) in try normalisedAxis(a, rank: knownRank(b, x)) })
    g.give(0, try axis == nil ? reshape(b, spread, like: x) : spread)
  }

  func shared<B: Builder>(
    _ b: B, _ up: B.Value, inverse: B.Value, counts: B.Value, axis: Int?
  ) throws(EngineError) -> B.Value {
    let at = axis ?? 0
    var shape = [Int](repeating: 1, count: try axis == nil ? 1 : knownRank(b, up))
    shape[at] = -1
    let share = try over(b, up, reshape(b, cast(b, counts, like: up), shape))
    return try b.apply(Gather(axis: at), share, inverse)
  }
}
