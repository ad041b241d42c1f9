import Graphs
import Operators
import Tensors

/// Copies, casts, and what changes nothing at inference.
enum TorchConversion {
  static let operators: [TorchOperator] = TorchOperator.joined(
    [
      "alias.default", "detach.default", "view_of.default",
    ].map { same($0, isView: true) },
    [
      "contiguous.default", "dropout.default", "feature_dropout.default",
      "alpha_dropout.default", "feature_alpha_dropout.default",
    ].map { same($0, isView: true) },
    [
      "clone.default", "lift_fresh_copy.default", "lift_fresh.default", "detach_copy.default",
      "alias_copy.default",
    ].map { same($0, isView: false) },
    ["to.dtype", "to.dtype_layout", "to.device", "to.other", "to.prim_Device"].map {
      TorchOperator.one("aten.\($0)", isView: true, convert)
    },
    [
      .one("aten._to_copy.default", convert), .one("aten.type_as.default", convert),
      .one("aten.bool.default", convert), .one("aten.float.default", convert),
      .one("aten.copy.default", inPlace: true) { (c) throws(EngineError) in
        let x = try c.x()
        let source = try c.cast(try c.x("src"), try c.dtype(of: x))
        return try c.expanded(source, try c.sizes(of: x))
      },
      .one("aten.detach_.default", isView: true) { (c) throws(EngineError) in try c.x() },
      TorchOperator("aten.native_dropout.default") { (c) throws(EngineError) in
        guard !(try c.bool("train", false)) else { throw training() }
        return [.tensor(try c.x("input")), .none]
      },
      .one("aten.view.dtype", note: "types of one width") { (c) throws(EngineError) in
        let (x, dtype) = (try c.x(), try c.result())
        guard try c.dtype(of: x).bits == dtype.bits else {
          throw EngineError(.unsupported, "a view as elements of another width")
        }
        return try c.builder.apply(BitCast(to: dtype), x)
      },
    ])

  private static func training() -> EngineError {
    EngineError(
      .unsupported, "the model was exported in training mode",
      hint: "call eval() before the export")
  }

  /// The first operand itself.
  private static func same(_ name: String, isView: Bool) -> TorchOperator {
    .one("aten.\(name)", inPlace: name.contains("dropout"), isView: isView) {
      (c) throws(EngineError) in
      if c.has("train"), try c.bool("train", false), try c.double("p", 0.5) != 0 {
        throw training()
      }
      return try c.tensor(try c.argument(at: 0), "self")
    }
  }

  /// A cast to the type that the file states for the result.
  @Sendable private static func convert(_ c: TorchCall) throws(EngineError) -> ValueID {
    try c.cast(try c.tensor(try c.argument(at: 0), "self"), try c.result())
  }
}
