import CKernels

/// What a blocked convolution does with a sum before it is written: in registers where the
/// function allows it, else on the tile just written.
public struct BlockedFinish: Sendable {
  enum Form: Sendable {
    case none
    /// `max(low, min(high, x))`.
    case clamp
    /// `x max(0, min(1, low x + high))`.
    case gate
  }
  let form: Form
  let low: Float
  let high: Float
  /// Applied to what was written.
  let after: UnaryOp?
  /// Whether the function takes 0 to 0, as lanes beyond the last channel ask for.
  public let keepsZero: Bool

  public static let none = BlockedFinish(form: .none, low: 0, high: 0, after: nil, keepsZero: true)
  public static func clamp(_ low: Float, _ high: Float) -> BlockedFinish {
    .init(form: .clamp, low: low, high: high, after: nil, keepsZero: low <= 0 && high >= 0)
  }
  public static let relu = clamp(0, .infinity)
  public static let hardSwish = BlockedFinish(
    form: .gate, low: 1 / 6, high: 0.5, after: nil, keepsZero: true)
  /// Any function of one input. `keepsZero` where it takes 0 to 0.
  public static func unary(_ op: UnaryOp, _ p: Float, _ q: Float, keepsZero: Bool) -> BlockedFinish
  {
    .init(form: .none, low: p, high: q, after: op, keepsZero: keepsZero)
  }

  var code: Int32 {
    switch form {
    case .none: Int32(DL_FORM_NONE.rawValue)
    case .clamp: Int32(DL_FORM_CLAMP.rawValue)
    case .gate: Int32(DL_FORM_GATE.rawValue)
    }
  }
  func function(_ isa: InstructionSet) -> dl_unary_fn? {
    #if arch(x86_64)
      // The functions of gated and squeezed networks, at a third of the general ones' time.
      if isa >= .avx512 && after == .sigmoid { return dl_blocked_sigmoid_f32__avx512 }
      if isa >= .avx512 && after == .swish { return dl_blocked_swish_f32__avx512 }
    #endif
    return after.flatMap { dl_unary_kernel($0.rawValue, 1, min(isa, .avx512).rawValue) }
  }
}

extension InstructionSet {
  /// The best of at most this set whose blocked kernels have so many lanes.
  func blocked(lanes: Int) -> InstructionSet {
    if self >= .avx512 && lanes == 16 { return .avx512 }
    return self >= .avx2 && lanes == 8 ? .avx2 : .scalar
  }
}
