import Graphs
import Tensors

/// Parts of tensors.
enum TFSlices {
  static let operators: [TFOperator] = [
    TFOperator("StridedSlice") { (c) throws(EngineError) in
      let b = c.b
      let (begin, end) = (try c.tensor(1), try c.tensor(2))
      let strides = try c.ints(3)
      func entries(_ value: ValueID) -> [Int?] {
        if let known = b.knownInts(value) { return known }
        if let elements = b.fact(of: value).elements { return elements.map(\.known) }
        return Array(repeating: nil, count: strides.count)
      }
      let slicing = StridedSlicing(
        begins: entries(begin), ends: entries(end), strides: strides,
        beginMask: try c.a.int("begin_mask", 0), endMask: try c.a.int("end_mask", 0),
        ellipsisMask: try c.a.int("ellipsis_mask", 0),
        newAxisMask: try c.a.int("new_axis_mask", 0),
        shrinkMask: try c.a.int("shrink_axis_mask", 0))
      return try slicing.apply(try c.tensor(0), b, begin: begin, end: end)
    },
    TFOperator("Slice") { (c) throws(EngineError) in
      let b = c.b
      let x = try c.tensor(0)
      let rank = try b.rank(x)
      let axes = try b.ints(Array(0..<rank))
      let begin = try b.cast(try c.tensor(1), .int64)
      let size = try b.cast(try c.tensor(2), .int64)
      if let starts = b.knownInts(begin), let sizes = b.knownInts(size), starts.count == rank,
        sizes.count == rank
      {
        // A size of -1 takes the rest.
        let ends = zip(starts, sizes).map { s, n in
          n < 0 ? Int.max >> 1 : s.addingReportingOverflow(n).partialValue
        }
        return try b.slice(x, starts, ends, axes: Array(0..<rank))
      }
      let isRest = try b.onnx("Less", [size, try b.scalar(0)])
      let end = try b.onnx(
        "Where", [isRest, try b.scalar(Int.max >> 1), try b.add(begin, size)])
      return try b.onnx("Slice", [x, begin, end, axes])
    },
    .many("Split") { (c) throws(EngineError) in
      let rank = try c.b.rank(try c.tensor(1))
      let axis = try c.axis(try c.int(0), rank: rank)
      let count = try c.a.int("num_split", 1)
      guard count >= 1, count <= 1 << 16 else {
        throw EngineError(.invalidModel, "the number of parts is out of range")
      }
      let parts = try c.b.onnx(
        "Split", [try c.tensor(1)], [.int("axis", axis), .int("num_outputs", count)],
        outputs: count)
      return parts.map { .tensor($0) }
    },
    .many("SplitV") { (c) throws(EngineError) in
      let b = c.b
      let x = try c.tensor(0)
      let axis = try c.axis(try c.int(2), rank: try b.rank(x))
      var sizes = try c.ints(1)
      guard sizes.count >= 1, sizes.count <= 1 << 16 else {
        throw EngineError(.invalidModel, "the number of parts is out of range")
      }
      if let open = sizes.firstIndex(of: -1) {
        guard let n = b.dims(x)?[axis].known, n >= 0 else {
          throw EngineError(.unsupported, "the size of the split axis is not known")
        }
        let rest = sizes.reduce(1) { $0.addingReportingOverflow($1).partialValue }
        sizes[open] = n.subtractingReportingOverflow(rest).partialValue
      }
      let parts = try b.onnx(
        "Split", [x, try b.ints(sizes)], [.int("axis", axis)], outputs: sizes.count)
      return parts.map { .tensor($0) }
    },
    .many("Unpack") { (c) throws(EngineError) in
      let b = c.b
      let x = try c.tensor(0)
      let axis = try c.axis(try c.a.int("axis", 0), rank: try b.rank(x))
      let count = try c.a.int("num", 0)
      guard count >= 1, count <= 1 << 16 else {
        throw EngineError(.unsupported, "nothing is unpacked, or too much", received: "\(count)")
      }
      var list: [FlowValue] = []
      for i in 0..<count {
        list.append(
          .tensor(try b.onnx("Gather", [x, try b.scalar(i)], [.int("axis", axis)])))
      }
      return list
    },
  ]
}
