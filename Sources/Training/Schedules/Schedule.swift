import Glibc

/// A learning rate by the number of steps done. Made of a closure, or of the named functions, which
/// can be chained.
public struct Schedule: Sendable {
  private let rate: @Sendable (Int) -> Double

  public init(_ rate: @escaping @Sendable (Int) -> Double) { self.rate = rate }

  public func callAsFunction(_ step: Int) -> Double { rate(step) }

  /// One rate for all steps.
  public static func constant(_ rate: Double) -> Schedule { Schedule { _ in rate } }

  /// `initial factor^(step / decaySteps)`, in whole periods where `staircase`. Keras'
  /// ExponentialDecay; torch's ExponentialLR with one step a period, StepLR with `staircase`.
  public static func exponentialDecay(
    _ initial: Double, steps decaySteps: Int, factor: Double, staircase: Bool = false
  ) -> Schedule {
    Schedule { step in
      let periods = Double(step) / Double(decaySteps)
      return initial * pow(factor, staircase ? periods.rounded(.down) : periods)
    }
  }

  /// `values[i]` up to and with step `boundaries[i]`, the last value after that. Keras'
  /// PiecewiseConstantDecay.
  public static func piecewise(boundaries: [Int], values: [Double]) -> Schedule {
    precondition(values.count == boundaries.count + 1, "one value more than boundaries")
    return Schedule { step in
      values[boundaries.firstIndex { step <= $0 } ?? boundaries.count]
    }
  }

  /// `initial` times `factor` for each milestone that was reached. torch's MultiStepLR.
  public static func milestones(
    _ initial: Double, _ milestones: [Int], factor: Double = 0.1
  ) -> Schedule {
    Schedule { step in
      initial * pow(factor, Double(milestones.filter { $0 <= step }.count))
    }
  }

  /// From `initial` to `end` by a power of the way that is left. Keras' PolynomialDecay, torch's
  /// PolynomialLR with `end` 0.
  ///
  /// - `cycle`: whether the way is made longer by itself each time its end is reached.
  public static func polynomialDecay(
    _ initial: Double, steps decaySteps: Int, end: Double = 0.0001, power: Double = 1,
    cycle: Bool = false
  ) -> Schedule {
    Schedule { step in
      var (at, whole) = (Double(step), Double(decaySteps))
      if cycle {
        whole *= step == 0 ? 1 : (at / whole).rounded(.up)
      } else {
        at = min(at, whole)
      }
      return (initial - end) * pow(1 - at / whole, power) + end
    }
  }

  /// `initial / (1 + factor step / decaySteps)`. Keras' InverseTimeDecay.
  public static func inverseTimeDecay(
    _ initial: Double, steps decaySteps: Int, factor: Double, staircase: Bool = false
  ) -> Schedule {
    Schedule { step in
      let periods = Double(step) / Double(decaySteps)
      return initial / (1 + factor * (staircase ? periods.rounded(.down) : periods))
    }
  }

  /// From `initial` to `alpha initial` along half a cosine. Keras' CosineDecay; with `warmup`
  /// steps before, from `initial` to `peak` in a straight line.
  public static func cosineDecay(
    _ initial: Double, steps decaySteps: Int, alpha: Double = 0, peak: Double? = nil,
    warmup: Int = 0
  ) -> Schedule {
    Schedule { step in
      let top = peak ?? initial
      if peak != nil, step < warmup {
        return initial + (top - initial) * Double(step) / Double(warmup)
      }
      let at = min(Double(step - (peak == nil ? 0 : warmup)), Double(decaySteps))
      let way = 0.5 * (1 + cos(.pi * at / Double(decaySteps)))
      return top * ((1 - alpha) * way + alpha)
    }
  }

  /// Cosine decay that begins again, with periods `lengthen` times as long and rates `shrink` times
  /// as high. Keras' CosineDecayRestarts; torch's CosineAnnealingWarmRestarts with `shrink` 1.
  public static func cosineRestarts(
    _ initial: Double, steps first: Int, lengthen: Double = 2, shrink: Double = 1,
    alpha: Double = 0
  ) -> Schedule {
    Schedule { step in
      var at = Double(step) / Double(first)
      var period = 0.0
      if lengthen == 1 {
        period = at.rounded(.down)
        at -= period
      } else {
        period = (log(1 - at * (1 - lengthen)) / log(lengthen)).rounded(.down)
        let sum = (1 - pow(lengthen, period)) / (1 - lengthen)
        at = (at - sum) / pow(lengthen, period)
      }
      let way = 0.5 * pow(shrink, period) * (1 + cos(.pi * at))
      return initial * ((1 - alpha) * way + alpha)
    }
  }

  /// `initial` times a number from `start` to `end` in a straight line. torch's LinearLR.
  public static func linear(
    _ initial: Double, from start: Double = 1.0 / 3, to end: Double = 1, steps: Int = 5
  ) -> Schedule {
    Schedule { step in
      initial * (start + (end - start) * min(Double(step), Double(steps)) / Double(steps))
    }
  }

  /// Between `base` and `top` and back, `up` steps up and `down` steps down; each cycle `gamma`
  /// times lower per step. torch's CyclicLR, modes triangular and exp_range.
  public static func cyclic(
    base: Double, top: Double, up: Int, down: Int? = nil, gamma: Double = 1
  ) -> Schedule {
    Schedule { step in
      let whole = Double(up + (down ?? up))
      let share = Double(up) / whole
      let at = (Double(step) / whole).truncatingRemainder(dividingBy: 1)
      let height = at <= share ? at / share : (at - 1) / (share - 1)
      return base + (top - base) * height * pow(gamma, Double(step))
    }
  }

  /// Up to `top` and down to almost nothing along cosines, once. torch's OneCycleLR.
  public static func oneCycle(
    top: Double, steps: Int, up: Double = 0.3, startDivisor: Double = 25, endDivisor: Double = 1e4
  ) -> Schedule {
    Schedule { step in
      let (first, last) = (top / startDivisor, top / startDivisor / endDivisor)
      let turn = up * Double(steps) - 1
      let end = Double(steps - 1)
      let at = min(Double(step), end)
      let (from, to, way) =
        at <= turn ? (first, top, at / turn) : (top, last, (at - turn) / (end - turn))
      return to + (from - to) / 2 * (1 + cos(.pi * way))
    }
  }

  /// A straight line from 0 for `steps` steps, then `self` from its beginning.
  public func warmedUp(steps: Int) -> Schedule {
    Schedule { step in
      step < steps ? self(0) * Double(step + 1) / Double(steps + 1) : self(step - steps)
    }
  }

  /// `self` for `steps` steps, then `next` from its beginning. torch's SequentialLR.
  public func then(after steps: Int, _ next: Schedule) -> Schedule {
    Schedule { step in step < steps ? self(step) : next(step - steps) }
  }

  /// The product with a factor. torch's ChainedScheduler and LambdaLR.
  public func times(_ factor: @escaping @Sendable (Int) -> Double) -> Schedule {
    Schedule { step in self(step) * factor(step) }
  }
}
