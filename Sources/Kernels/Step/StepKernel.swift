import CKernels
import Tensors

/// How an optimiser updates parameters by a gradient. Raw values are those of the C table; the
/// formulas and their coefficients stand in `CKernels/step/step_body.h`.
public enum StepRule: Int32, Sendable, CaseIterable {
  case momentum, adam, amsgrad, adamax, rmsprop, adagrad, adadelta, ftrl, lion, scheduleFree

  /// How many numbers go with each parameter.
  public var stateCount: Int {
    switch self {
    case .momentum, .adagrad, .lion: 1
    case .adam, .adamax, .adadelta, .ftrl, .scheduleFree: 2
    case .amsgrad, .rmsprop: 3
    }
  }
}

/// The update of a rule on float32 or float64, all arithmetic in one pass.
///
/// Each element is computed by itself, so results depend neither on threads nor on how parameters
/// are grouped. Deterministic; differs between instruction sets by roundings of fused products.
public struct StepKernel: Sendable {
  let function: dl_step_fn
  let elementBytes: Int
  public let rule: StepRule

  /// Nil for element types other than float32 and float64.
  public init?(_ rule: StepRule, _ dtype: DType, isa: KernelISA = .best) {
    guard dtype == .float32 || dtype == .float64,
      let function = dl_step_kernel(rule.rawValue, dtype == .float64 ? 1 : 0, isa.rawValue)
    else { return nil }
    self.function = function
    self.rule = rule
    elementBytes = dtype.byteSize
  }

  /// Updates `count` elements of `parameters` into `result`, which may be `parameters`, and their
  /// states in place. `states` has as many places as the rule has states.
  public func run(
    count: Int, parameters: UnsafeRawPointer, gradients: UnsafeRawPointer,
    result: UnsafeMutableRawPointer, states: [UnsafeMutableRawPointer],
    coefficients: InlineArray<12, Double>, _ pool: ThreadPool
  ) {
    precondition(states.count >= rule.stateCount, "too few states for an update")
    let step = 16384
    let first = states.isEmpty ? Storage.empty : states[0]
    let second = states.count > 1 ? states[1] : Storage.empty
    let third = states.count > 2 ? states[2] : Storage.empty
    nonisolated(unsafe) let (w, g, out) = (parameters, gradients, result)
    nonisolated(unsafe) let (s0, s1, s2) = (first, second, third)
    pool.run((count + step - 1) / step) { piece in
      let at = piece * step * elementBytes
      withUnsafeBytes(of: coefficients) { a in
        function(
          min(step, count - piece * step), w + at, g + at, out + at, s0 + at, s1 + at, s2 + at,
          a.baseAddress?.assumingMemoryBound(to: Double.self))
      }
    }
  }
}
