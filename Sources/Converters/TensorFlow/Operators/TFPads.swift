import Graphs
import Tensors

/// Padding.
enum TFPads {
  static let operators: [TFOperator] =
    ["Pad", "PadV2", "MirrorPad"].map { name in
      TFOperator(name) { (c) throws(EngineError) in
        let b = c.b
        let x = try c.tensor(0)
        let rank = try b.rank(x)
        let mode = try name == "MirrorPad" ? c.a.string("mode") : "CONSTANT"
        let attributes: [Attribute]
        switch mode {
        case "CONSTANT": attributes = []
        case "REFLECT": attributes = [.string("mode", "reflect")]
        case "SYMMETRIC":
          return try symmetric(c, x, try c.ints(1), rank)
        default: throw EngineError(.unsupported, "the mode of padding is not known")
        }
        let value = name == "PadV2" ? try c.tensor(2) : nil
        if let pads = b.knownInts(try c.tensor(1)), pads.count == 2 * rank {
          let begins = (0..<rank).map { pads[2 * $0] }
          let ends = (0..<rank).map { pads[2 * $0 + 1] }
          if let first = b.knownChannelsFirst(x), rank > 2 {
            func turned(_ list: [Int]) -> [Int] {
              [list[0], list[rank - 1]] + list[1..<(rank - 1)]
            }
            let made = try b.onnx(
              "Pad", [first, try b.ints(turned(begins) + turned(ends)), value].dropLastNil(),
              attributes)
            return try b.channelsLast(made)
          }
          return try b.onnx(
            "Pad", [x, try b.ints(begins + ends), value].dropLastNil(), attributes)
        }
        let turned = try b.transpose(try b.cast(try c.tensor(1), .int64), [1, 0])
        return try b.onnx(
          "Pad", [x, try b.reshape(turned, [-1]), value].dropLastNil(), attributes)
      }
    }

  /// Mirrored with the edge repeated, axis by axis.
  static func symmetric(
    _ c: TFCall, _ x: ValueID, _ pads: [Int], _ rank: Int
  ) throws(EngineError) -> ValueID {
    try c.b.symmetricPad(x, pads, rank: rank)
  }
}

extension ConversionBuilder {
  /// Pads by mirroring with the edge repeated: `pads` holds before and after of each axis.
  func symmetricPad(_ x: ValueID, _ pads: [Int], rank: Int) throws(EngineError) -> ValueID {
    guard pads.count == 2 * rank, pads.allSatisfy({ $0 >= 0 && $0 < 1 << 40 }) else {
      throw EngineError(.invalidModel, "the padding does not fit", received: "\(pads)")
    }
    var result = x
    for axis in 0..<rank {
      let (before, after) = (pads[2 * axis], pads[2 * axis + 1])
      var parts: [ValueID] = []
      if before > 0 {
        parts.append(try slice(result, [before - 1], [-(Int.max >> 1)], axes: [axis], steps: [-1]))
      }
      parts.append(result)
      if after > 0 {
        parts.append(try slice(result, [-1], [-after - 1], axes: [axis], steps: [-1]))
      }
      result = try concat(parts, axis: axis)
    }
    return result
  }
}
