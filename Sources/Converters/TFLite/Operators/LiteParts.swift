import Graphs
import Tensors

/// Parts of tensors, and tensors joined.
enum LiteParts {
  static let operators: [LiteOperator] = [
    .moving("STRIDED_SLICE") { (c, x) throws(EngineError) in
      let b = c.b
      let (begin, end) = (try c.stored(1), try c.stored(2))
      let strides = try c.ints(3)
      guard try !c.optionFlag(5) else {
        throw EngineError(.unsupported, "ends as offsets are not converted")
      }
      func entries(_ value: ValueID) -> [Int?] {
        if let known = b.knownInts(value) { return known }
        if let elements = b.fact(of: value).elements { return elements.map(\.known) }
        return Array(repeating: nil, count: strides.count)
      }
      return try StridedSlicing(
        begins: entries(begin), ends: entries(end), strides: strides,
        beginMask: try c.optionInt(0), endMask: try c.optionInt(1),
        ellipsisMask: try c.optionInt(2), newAxisMask: try c.optionInt(3),
        shrinkMask: try c.optionInt(4)
      ).apply(x, b, begin: begin, end: end)
    },
    .moving("SLICE") { (c, x) throws(EngineError) in
      let b = c.b
      let axes = try b.ints(Array(0..<(try b.rank(x))))
      let begin = try b.cast(try c.stored(1), .int64)
      let size = try b.cast(try c.stored(2), .int64)
      let isRest = try b.onnx("Less", [size, try b.scalar(0)])
      let end = try b.onnx(
        "Where", [isRest, try b.scalar(Int.max >> 1), try b.add(begin, size)])
      return try b.onnx("Slice", [x, begin, end, axes])
    },
    .many("SPLIT") { (c) throws(EngineError) in
      try parts(c, 1) { (x) throws(EngineError) in
        let axis = try c.axis(try c.int(0), rank: try c.b.rank(x))
        let n = c.node.outputs.count
        return try c.b.onnx(
          "Split", [x], [.int("axis", axis), .int("num_outputs", n)], outputs: n)
      }
    },
    .many("SPLIT_V") { (c) throws(EngineError) in
      try parts(c, 0) { (x) throws(EngineError) in
        let b = c.b
        let axis = try c.axis(try c.int(2), rank: try b.rank(x))
        var sizes = try c.ints(1)
        if let open = sizes.firstIndex(of: -1), let n = b.dims(x)?[axis].known {
          sizes[open] = n &- sizes.reduce(1) { $0 &+ $1 }
        }
        return try b.onnx(
          "Split", [x, try b.ints(sizes)], [.int("axis", axis)], outputs: sizes.count)
      }
    },
    .many("UNPACK") { (c) throws(EngineError) in
      try parts(c, 0) { (x) throws(EngineError) in
        let axis = try c.axis(try c.optionInt(1), rank: try c.b.rank(x))
        var list: [ValueID] = []
        for i in c.node.outputs.indices {
          list.append(
            try c.b.onnx("Gather", [x, try c.b.scalar(i)], [.int("axis", axis)]))
        }
        return list
      }
    },
    .many("CONCATENATION") { (c) throws(EngineError) in
      try joined(c) { (list) throws(EngineError) in
        guard let first = list.first else {
          throw EngineError(.invalidModel, "nothing is joined")
        }
        let axis = try c.axis(try c.optionInt(0), rank: try c.b.rank(first))
        return try c.activated(
          try c.b.joined(list, axis: axis), try c.optionByte(1))
      }
    },
    .many("PACK") { (c) throws(EngineError) in
      try joined(c) { (list) throws(EngineError) in
        guard let first = list.first else {
          throw EngineError(.invalidModel, "nothing is packed")
        }
        let axis = try c.axis(try c.optionInt(1), rank: try c.b.rank(first) + 1)
        return try c.b.concat(
          try list.map { (p) throws(EngineError) in try c.b.unsqueeze(p, [axis]) }, axis: axis)
      }
    },
    .many("PAD") { (c) throws(EngineError) in [try padded(c, nil)] },
    .many("PADV2") { (c) throws(EngineError) in [try padded(c, 2)] },
    .moving("MIRROR_PAD") { (c, x) throws(EngineError) in
      let rank = try c.b.rank(x)
      let pads = try c.ints(1)
      guard pads.count == 2 * rank else {
        throw EngineError(.invalidModel, "the padding does not fit")
      }
      if try c.optionByte(0) == 1 { return try c.b.symmetricPad(x, pads, rank: rank) }
      let order = (0..<rank).map { pads[2 * $0] } + (0..<rank).map { pads[2 * $0 + 1] }
      return try c.b.onnx("Pad", [x, try c.b.ints(order)], [.string("mode", "reflect")])
    },
  ]

  private static func parts(
    _ c: LiteCall, _ i: Int, _ body: (ValueID) throws(EngineError) -> [ValueID]
  ) throws(EngineError) -> [LiteResult] {
    if c.keepsScale([i]) { return try body(try c.stored(i)).map { .stored(.tensor($0)) } }
    return try body(try c.number(i)).map { .numbers($0) }
  }

  private static func joined(
    _ c: LiteCall, _ body: ([ValueID]) throws(EngineError) -> ValueID
  ) throws(EngineError) -> [LiteResult] {
    if c.keepsScale(Array(0..<c.count)) {
      var list: [ValueID] = []
      for i in 0..<c.count { list.append(try c.stored(i)) }
      return [.stored(.tensor(try body(list)))]
    }
    return [.numbers(try body(try c.numbers()))]
  }

  /// Padded with what stands for 0, or with input `value`.
  private static func padded(_ c: LiteCall, _ value: Int?) throws(EngineError) -> LiteResult {
    let b = c.b
    let x = try c.number(0)
    let rank = try b.rank(x)
    let fill = try value.map { (i) throws(EngineError) in
      try b.reshape(try c.number(i), [])
    }
    if let pads = b.knownInts(try c.stored(1)), pads.count == 2 * rank {
      let begins = (0..<rank).map { pads[2 * $0] }
      let ends = (0..<rank).map { pads[2 * $0 + 1] }
      if let first = b.knownChannelsFirst(x), rank > 2 {
        func turned(_ list: [Int]) -> [Int] { [list[0], list[rank - 1]] + list[1..<(rank - 1)] }
        let made = try b.onnx(
          "Pad", [first, try b.ints(turned(begins) + turned(ends)), fill].dropLastNil())
        return .numbers(try b.channelsLast(made))
      }
      return .numbers(try b.onnx("Pad", [x, try b.ints(begins + ends), fill].dropLastNil()))
    }
    let turned = try b.transpose(try b.cast(try c.stored(1), .int64), [1, 0])
    return .numbers(
      try b.onnx("Pad", [x, try b.reshape(turned, [-1]), fill].dropLastNil()))
  }
}
