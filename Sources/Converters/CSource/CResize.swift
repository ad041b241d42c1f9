import Graphs
import Operators
import Tensors

/// Resizing, axis by axis: which elements, and how much of each. The operator itself says so when
/// the code is written, by what it makes of unit vectors.
enum CResize {
  static let operators: [String: COperators.Entry] = [
    "Resize": .init { (b) throws(EngineError) in try resize(&b) },
    "Upsample": .init { (b) throws(EngineError) in try resize(&b) },
  ]

  /// Elements that one of the result is made of.
  private struct Taps {
    var places: [[Int]]
    var weights: [[Float]]
    var width: Int { places.map(\.count).max() ?? 0 }
    var isCopy: Bool { width == 1 && weights.allSatisfy { $0 == [1] } }
  }

  private static func resize(_ b: inout CBody) throws(EngineError) {
    let (x, y) = (try b.input(0), try b.output())
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let rank = x.shape.rank
    var all: [Taps] = []
    for axis in 0..<rank { all.append(try taps(b, axis, x.shape[axis], y.shape[axis])) }
    let type = CType.name(x.dtype) ?? "float"
    var mixed: [Int] = []
    for axis in 0..<rank where x.shape[axis] != y.shape[axis] || !all[axis].isCopy {
      let width = all[axis].width
      func padded<T>(_ lists: [[T]], _ none: T) -> [T] {
        lists.flatMap { $0 + [T](repeating: none, count: width - $0.count) }
      }
      b.table("int", "at\(axis)", padded(all[axis].places, 0).map { "\($0)" })
      if !all[axis].isCopy {
        mixed.append(axis)
        let weights = padded(all[axis].weights, 0)
        b.table(type, "part\(axis)", weights.map { CType.number(Double($0), x.dtype) })
      }
    }
    for axis in 0..<rank { b.loop("o\(axis)", y.shape[axis]) }
    if !mixed.isEmpty { b.line("\(type) sum = 0;") }
    for axis in mixed { b.loop("t\(axis)", all[axis].width) }
    let strides = x.shape.strides
    let source = (0..<rank).compactMap { axis -> String? in
      if x.shape[axis] == y.shape[axis], all[axis].isCopy {
        return CLoops.term("o\(axis)", strides[axis])
      }
      let width = all[axis].width
      let place = mixed.contains(axis) ? "o\(axis) * \(width) + t\(axis)" : "o\(axis)"
      return CLoops.term("at\(axis)[\(place)]", strides[axis])
    }
    let target = CLoops.sum((0..<rank).compactMap { CLoops.term("o\($0)", y.shape.strides[$0]) })
    let element = "\(b.x(0))[\(CLoops.sum(source))]"
    if mixed.isEmpty {
      b.line("\(b.y())[\(target)] = \(element);")
    } else {
      let factors = mixed.map { "part\($0)[o\($0) * \(all[$0].width) + t\($0)]" }
      b.line("sum += \(factors.joined(separator: " * ")) * \(element);")
      b.close(mixed.count)
      b.line("\(b.y())[\(target)] = sum;")
    }
    b.close(rank)
  }

  /// What the operator does along one axis.
  private static func taps(
    _ b: CBody, _ axis: Int, _ size: Int, _ result: Int
  ) throws(EngineError) -> Taps {
    guard size * size <= 1 << 24 else { throw b.refuse("an axis of \(size)") }
    let unit = try Tensor(
      shape: [size, size], (0..<(size * size)).map { Float($0 % (size + 1) == 0 ? 1 : 0) })
    let made = try run(b, axis, unit, size, result)
    guard made.shape == [size, result] else { throw b.refuse("an axis of \(size)") }
    let values = made.elements(Float.self)
    var taps = Taps(places: [], weights: [])
    for o in 0..<result {
      let places = (0..<size).filter { values[$0 * result + o] != 0 }
      taps.places.append(places.isEmpty ? [0] : places)
      taps.weights.append(places.isEmpty ? [0] : places.map { values[$0 * result + o] })
    }
    return taps
  }

  private static func run(
    _ b: CBody, _ axis: Int, _ unit: Tensor, _ size: Int, _ result: Int
  ) throws(EngineError) -> Tensor {
    let eager = Eager()
    func factor(_ k: Int) throws(EngineError) -> Float? {
      guard b.has(k) else { return nil }
      guard let scales = try b.input(k).constant, scales.dtype == .float32 else {
        throw b.refuse("scales that are not constant")
      }
      return axis < scales.count ? scales.elements(Float.self)[axis] : nil
    }
    switch b.op {
    case let op as Upsample:
      let given = op.scales.flatMap { axis < $0.count ? $0[axis] : nil }
      let input = try factor(1)
      let isLinear = op.attributes.contains { a in
        if case .string(let mode) = a.payload { return mode != Array("nearest".utf8) }
        return false
      }
      let plain = Upsample(mode: isLinear ? .linear : .nearest, scales: [1, given ?? input ?? 1])
      return try eager.apply(plain, unit)
    case var op as Resize:
      guard op.coordinates != .cropAndResize else { throw b.refuse("tf_crop_and_resize") }
      let axes = op.axes
      op.axes = nil
      op.policy = .stretch
      let place = op.isLegacy ? 1 : 2
      var scale: Float?
      if axes == nil, b.has(place), try b.input(place).count > 0 { scale = try factor(place) }
      if let axes, b.has(place), let k = axes.firstIndex(of: axis),
        let scales = try b.input(place).constant, scales.dtype == .float32, k < scales.count
      {
        scale = scales.elements(Float.self)[k]
      }
      if let scale {
        let both = try Tensor([1, scale])
        return op.isLegacy
          ? try eager.apply(op, unit, both) : try eager.apply(op, inputs: [unit, nil, both])
      }
      let sizes = try Tensor([Int64(size), Int64(result)])
      return try eager.apply(op, inputs: [unit, nil, nil, sizes])
    default: throw b.refuse("unknown")
    }
  }
}
