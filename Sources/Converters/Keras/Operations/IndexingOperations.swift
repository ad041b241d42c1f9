import Formats
import Graphs
import Operators
import Tensors

/// Operations that pick elements.
extension OperationLayer {
  static let indexing: [String: Rule] = [
    "GetItem": { (c) throws(EngineError) in
      guard c.arguments.count > 1, let key = c.arguments[1].plain else {
        throw c.unsupported("an index that is a tensor is not converted")
      }
      return .id(try c.item(try c.operand(), key))
    },
    "Take": { (c) throws(EngineError) in
      var x = try c.operand()
      guard let places = try c.operand(1, "indices", like: .int32) else {
        throw EngineError(.malformed, "operation '\(c.name)' has no indices")
      }
      var axis = 0
      if let axes = try c.axes(2, "axis") { axis = axes[0] } else { x = try c.reshape(x, [-1]) }
      let whole =
        c.b.dtype(places) == .int64 ? places : try c.cast(places, to: .int32)
      return .id(try c.b.apply(Gather(axis: axis), x, whole))
    },
    "TakeAlongAxis": { (c) throws(EngineError) in
      let x = try c.operand()
      guard let places = try c.operand(1, "indices", like: .int64),
        let axes = try c.axes(2, "axis")
      else { throw c.unsupported("it takes along no axis") }
      return .id(
        try c.b.apply(GatherElements(axis: axes[0]), x, try c.cast(places, to: .int64)))
    },
    "Slice": { (c) throws(EngineError) in
      let x = try c.operand()
      guard let sizes = try c.axes(2, "shape"), let starts = try c.operand(1, "start_indices")
      else { throw c.unsupported("an open slice") }
      let from = try c.cast(starts, to: .int64)
      let to = try c.add(from, try c.b.ints(sizes))
      return .id(
        try c.b.apply(Slice(), inputs: [x, from, to, try c.b.ints(Array(sizes.indices))]))
    },
    "TopK": { (c) throws(EngineError) in
      let x = try c.operand()
      let k = try c.integer(1, "k", default: 1)
      let made = try c.b.apply(
        TopK(axis: -1), inputs: [x, try c.b.ints([k])], outputs: 2)
      return .list([.id(made[0]), .id(try c.cast(made[1], to: .int32))])
    },
    "Sort": { (c) throws(EngineError) in .id(try c.sorted()[0]) },
    "Argsort": { (c) throws(EngineError) in .id(try c.cast(try c.sorted()[1], to: .int32)) },
    "OneHot": { (c) throws(EngineError) in
      let x = try c.cast(try c.operand(), to: .int64)
      let type = try KerasPolicy.dtype(
        named: try c.config.string("dtype", default: "float32"))
      let values = try Eager().apply(Cast(to: type), try Tensor([0, 1] as [Float]))
      let depth = try c.integer(1, "num_classes", default: 1)
      // ONNX counts negative classes from the end; Keras knows none.
      let isNegative = try c.b.apply(Less(), x, try c.b.scalar(0))
      let safe = try c.select(isNegative, try c.b.scalar(depth), x)
      return .id(
        try c.b.apply(
          OneHot(axis: try c.integer(2, "axis", default: -1)), safe, try c.b.scalar(depth),
          try c.b.constant(values)))
    },
    "Tril": { (c) throws(EngineError) in .id(try c.triangle(isUpper: false)) },
    "Triu": { (c) throws(EngineError) in .id(try c.triangle(isUpper: true)) },
    "Diff": { (c) throws(EngineError) in
      var x = try c.operand()
      let axis = try c.integer(2, "axis", default: -1)
      for _ in 0..<Swift.min(Swift.max(try c.integer(1, "n", default: 1), 0), 16) {
        x = try c.sub(
          try c.slice(x, axis: axis, from: 1), try c.slice(x, axis: axis, from: 0, to: -1))
      }
      return .id(x)
    },
  ]
}

extension LayerCall {
  fileprivate func triangle(isUpper: Bool) throws(EngineError) -> ValueID {
    try b.apply(
      Trilu(isUpper: isUpper), try operand(), try b.scalar(try integer(1, "k", default: 0)))
  }

  /// Ascending values and their places.
  fileprivate func sorted() throws(EngineError) -> [ValueID] {
    var x = try operand()
    var axis = -1
    if config.members["axis"] == .null {
      x = try reshape(x, [-1])
    } else {
      axis = try integer(1, "axis", default: -1)
    }
    let n = try size(x, axis)
    return try b.apply(
      TopK(axis: axis, isLargest: false), inputs: [x, try b.ints([n])], outputs: 2
    ).array
  }

  /// `x[key]` with integers, slices, None and an ellipsis.
  fileprivate func item(_ x: ValueID, _ key: JSONValue) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    let keys = KerasConfig.items(key) ?? [key]
    func kind(_ value: JSONValue) -> String? { value.asObject?["class_name"]?.asString }
    let used = keys.filter { $0 != .null && kind($0) != "__ellipsis__" }.count
    guard used <= rank, keys.filter({ kind($0) == "__ellipsis__" }).count <= 1 else {
      throw EngineError(.malformed, "operation '\(name)' has too many indices")
    }
    var y = x
    // The axis of `y` that the next key is for, before axes are dropped and added.
    var at = 0
    var (starts, ends, steps, axes) = ([Int](), [Int](), [Int](), [Int]())
    var dropped: [Int] = []
    var layout: [Bool] = []
    for key in keys {
      if key == .null {
        layout.append(true)
      } else if kind(key) == "__ellipsis__" {
        at += rank - used
        layout += [Bool](repeating: false, count: rank - used)
      } else if kind(key) == "__slice__", let parts = key.asObject?["config"]?.asObject {
        func part(_ name: String) throws(EngineError) -> Int? {
          guard let value = parts[name], value != .null else { return nil }
          return try KerasConfig.int(value, name)
        }
        let step = try part("step") ?? 1
        guard step != 0 else { throw EngineError(.malformed, "a slice with step 0") }
        let (from, to) = (try part("start"), try part("stop"))
        if from != nil || to != nil || step != 1 {
          starts.append(from ?? (step > 0 ? 0 : Int(Int64.max)))
          ends.append(to ?? (step > 0 ? Int(Int64.max) : Int(Int64.min)))
          steps.append(step)
          axes.append(at)
        }
        at += 1
        layout.append(false)
      } else {
        let n = try KerasConfig.int(key, "index")
        starts.append(n)
        ends.append(n == -1 ? Int(Int64.max) : n + 1)
        steps.append(1)
        axes.append(at)
        dropped.append(at)
        at += 1
      }
    }
    if !axes.isEmpty {
      y = try b.apply(
        Slice(),
        inputs: [y, try b.ints(starts), try b.ints(ends), try b.ints(axes), try b.ints(steps)])
    }
    if !dropped.isEmpty { y = try squeeze(y, dropped) }
    let added = layout.indices.filter { layout[$0] }
    return added.isEmpty ? y : try unsqueeze(y, added)
  }
}
