import Graphs
import Tensors

/// Identities, transposes and reversals.
enum TFViews {
  static let operators: [TFOperator] =
    ["Identity", "RefIdentity", "StopGradient", "PreventGradient", "Snapshot", "CheckNumerics"].map
  {
    name in
    TFOperator.many(name) { (c) throws(EngineError) in
      guard let first = c.inputs.first else {
        throw EngineError(.invalidModel, "input 0 is missing")
      }
      return [first]
    }
  } + [
    TFOperator.many("IdentityN") { (c) throws(EngineError) in c.inputs },
    TFOperator("Print", "prints nothing") { (c) throws(EngineError) in
      c.note("'\(c.node.name)' prints nothing")
      return try c.tensor(0)
    },
    TFOperator("Bitcast") { (c) throws(EngineError) in
      guard let dtype = try c.a.dtype("type"),
        dtype.byteSize == c.b.dtype(try c.tensor(0))?.byteSize
      else { throw EngineError(.unsupported, "bits are read as a type of another size") }
      if c.b.dtype(try c.tensor(0)) == dtype { return try c.tensor(0) }
      return try c.b.onnx(
        "BitCast", [try c.tensor(0)], [.dtype("to", dtype)], opset: 26)
    },
    TFOperator("Transpose") { (c) throws(EngineError) in
      let b = c.b
      let x = try c.tensor(0)
      let perm = try c.ints(1)
      guard Set(perm) == Set(0..<perm.count), try c.rank(0) == perm.count else {
        throw EngineError(.invalidModel, "the axes are no permutation", received: "\(perm)")
      }
      // The two changes of layout, so that they cancel against those of convolutions.
      if perm.count > 2 {
        if perm == [0, perm.count - 1] + Array(1..<(perm.count - 1)) {
          return try b.channelsFirst(x)
        }
        if perm == [0] + Array(2..<perm.count) + [1] { return try b.channelsLast(x) }
      }
      return try b.transpose(x, perm)
    },
    TFOperator("ReverseV2") { (c) throws(EngineError) in
      let rank = try c.rank(0)
      var axes: [Int] = []
      for a in try c.ints(1) { axes.append(try c.axis(a, rank: rank)) }
      return try reversed(c, axes)
    },
    TFOperator("Reverse") { (c) throws(EngineError) in
      guard let flags = c.b.known(try c.tensor(1)), flags.dtype == .bool else {
        throw EngineError(.unsupported, "input 1 must be constant")
      }
      return try reversed(c, flags.elements(Bool.self).enumerated().filter(\.element).map(\.offset))
    },
    TFOperator("ReverseSequence") { (c) throws(EngineError) in
      let b = c.b
      let time = try c.a.int("seq_dim", 0)
      let batch = try c.a.int("batch_dim", 0)
      guard Set([time, batch]) == [0, 1] else {
        throw EngineError(.unsupported, "sequences must lie along the first two axes")
      }
      return try b.onnx(
        "ReverseSequence", [try c.tensor(0), try b.cast(try c.tensor(1), .int64)],
        [.int("time_axis", time), .int("batch_axis", batch)])
    },
    TFOperator("Roll") { (c) throws(EngineError) in
      let b = c.b
      let rank = try c.rank(0)
      var x = try c.tensor(0)
      let (shifts, axes) = (try c.ints(1), try c.ints(2))
      guard shifts.count == axes.count else {
        throw EngineError(.invalidModel, "shifts and axes differ in number")
      }
      for (shift, place) in zip(shifts, axes) {
        let axis = try c.axis(place, rank: rank)
        guard let n = b.dims(x)?[axis].known, n > 0 else {
          throw EngineError(.unsupported, "the size of a rolled axis is not known")
        }
        let by = ((shift % n) + n) % n
        if by == 0 { continue }
        let tail = try b.slice(x, [n - by], [n], axes: [axis])
        let head = try b.slice(x, [0], [n - by], axes: [axis])
        x = try b.concat([tail, head], axis: axis)
      }
      return x
    },
  ]

  private static func reversed(_ c: TFCall, _ axes: [Int]) throws(EngineError) -> ValueID {
    if axes.isEmpty { return try c.tensor(0) }
    let n = axes.count
    return try c.b.slice(
      try c.tensor(0), Array(repeating: Int.max >> 1, count: n),
      Array(repeating: -(Int.max >> 1), count: n), axes: axes,
      steps: Array(repeating: -1, count: n))
  }
}
