import Testing
import Training

/// Learning rates, against what Keras and PyTorch give.
@Suite struct ScheduleTests {
  private func check(_ s: Schedule, _ wanted: [Int: Double]) {
    for (step, rate) in wanted {
      #expect(abs(s(step) - rate) < 1e-9, "step \(step): \(s(step)), expected \(rate)")
    }
  }

  @Test func keras() {
    check(.exponentialDecay(0.1, steps: 10, factor: 0.5), [0: 0.1, 5: 0.0707106781187, 20: 0.025])
    check(
      .exponentialDecay(0.1, steps: 10, factor: 0.5, staircase: true), [9: 0.1, 10: 0.05])
    check(.piecewise(boundaries: [5, 8], values: [1, 0.5, 0.1]), [5: 1, 6: 0.5, 8: 0.5, 9: 0.1])
    check(.polynomialDecay(0.1, steps: 10, end: 0.01, power: 2), [5: 0.0325, 10: 0.01, 99: 0.01])
    check(.polynomialDecay(0.1, steps: 10, end: 0, cycle: true), [5: 0.05, 15: 0.025])
    check(.inverseTimeDecay(0.1, steps: 10, factor: 0.5), [20: 0.05])
    check(.cosineDecay(0.1, steps: 10, alpha: 0.1), [0: 0.1, 5: 0.055, 10: 0.01, 20: 0.01])
    check(
      .cosineDecay(0, steps: 10, peak: 0.1, warmup: 5), [0: 0, 2: 0.04, 5: 0.1, 10: 0.05, 15: 0])
    check(
      .cosineRestarts(0.1, steps: 10, lengthen: 2, shrink: 0.5),
      [0: 0.1, 5: 0.05, 10: 0.05, 20: 0.025, 30: 0.025])
  }

  @Test func torch() {
    check(.milestones(0.1, [3, 6]), [2: 0.1, 3: 0.01, 6: 0.001])
    check(.linear(0.1), [0: 0.0333333333333, 5: 0.1, 9: 0.1])
    check(.cyclic(base: 0.1, top: 0.5, up: 4), [0: 0.1, 2: 0.3, 4: 0.5, 6: 0.3, 8: 0.1])
    check(
      .oneCycle(top: 0.1, steps: 10), [0: 0.004, 2: 0.1, 9: 0.0000004, 1: 0.052])
  }

  @Test func composition() {
    check(Schedule.constant(0.1).warmedUp(steps: 3), [0: 0.025, 2: 0.075, 3: 0.1])
    check(Schedule.constant(1).then(after: 2, .constant(0.5)), [1: 1, 2: 0.5])
    check(Schedule.constant(1).times { Double($0) }, [3: 3])
  }

  @Test func plateau() {
    var p = PlateauRate(factor: 0.5, patience: 1)
    for v in [1, 0.9, 0.9, 0.9] { p.measure(v) }
    #expect(p.rateFactor == 0.5)
    p.measure(0.1)
    p.measure(0.1)
    #expect(p.rateFactor == 0.5)
    p.measure(0.1)
    #expect(p.rateFactor == 0.25)
  }
}
