import Graphs
import Operators
import Tensors

/// Elements added around a tensor, or taken away.
enum TorchPad {
  static let operators: [TorchOperator] = TorchOperator.joined(general, each(1), each(2), each(3))

  private static let general: [TorchOperator] = [
    .one("aten.constant_pad_nd.default") { (c) throws(EngineError) in
      try padded(c, .constant, try c.sizes("pad") ?? [])
    },
    .one("aten.pad.default") { (c) throws(EngineError) in
      let mode = c.text("mode", "constant")
      let known: [String: Pad.Mode] = [
        "constant": .constant, "reflect": .reflect, "replicate": .edge, "circular": .wrap,
      ]
      guard let mode = known[mode] else {
        throw EngineError(.malformed, "no padding is called '\(mode)'")
      }
      return try padded(c, mode, try c.sizes("pad") ?? [])
    },
  ]

  private static func each(_ n: Int) -> [TorchOperator] {
    [
      .one("aten.reflection_pad\(n)d.default") { (c) throws(EngineError) in
        try padded(c, .reflect, try c.sizes("padding") ?? [])
      },
      .one("aten.replication_pad\(n)d.default") { (c) throws(EngineError) in
        try padded(c, .edge, try c.sizes("padding") ?? [])
      },
    ]
  }

  /// `pads`: pairs of before and behind, the last axis first.
  private static func padded(
    _ c: TorchCall, _ mode: Pad.Mode, _ pads: [TorchSize]
  ) throws(EngineError) -> ValueID {
    let x = try c.x()
    let rank = try c.rank(x)
    guard pads.count % 2 == 0, pads.count / 2 <= rank else {
      throw EngineError(.malformed, "the padding does not fit the operand")
    }
    if pads.allSatisfy({ c.known($0) == 0 }) { return x }
    var before = Array(repeating: TorchSize.known(0), count: rank)
    var behind = before
    for i in 0..<(pads.count / 2) {
      before[rank - 1 - i] = pads[2 * i]
      behind[rank - 1 - i] = pads[2 * i + 1]
    }
    var inputs: [ValueID?] = [x, try c.vector(before + behind)]
    if mode == .constant, c.has("value") {
      inputs.append(try c.value(try c.operand("value"), try c.dtype(of: x)))
    }
    return try c.builder.apply(Pad(mode: mode), inputs: inputs)
  }
}
