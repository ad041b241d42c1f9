import Graphs
import Tensors

/// An operator with a kernel of its own whose gradient follows from a formula over others: the
/// formula is written out, noted step by step, and differentiated backwards with each step's rule.
///
/// The formula has the operator's results up to rounding; tests hold it against the kernel.
public protocol FormulaGradient: Operator {
  func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value>
}

extension FormulaGradient {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) { try gradientOfFormula(b, &g) }

  /// The gradient from the formula, for rules that have a shorter way in most cases only.
  func gradientOfFormula<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let tape = FormulaTape(b)
    let inputs = tape.inputs(g)
    let outputs = try formula(tape, inputs, outputs: g.outputs.count)
    try tape.give(inputs, outputs, &g)
  }
}

extension CompositeOperator {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard Self.schema.isDifferentiable else {
      throw EngineError(
        .notDifferentiable, "the operator has no gradient",
        subject: .init(operatorName: Self.schema.name))
    }
    let tape = FormulaTape(b)
    let inputs = tape.inputs(g)
    let outputs = try expand(tape, inputs, outputs: g.outputs.count)
    try tape.give(inputs, outputs, &g)
  }
}

/// A value of a formula; the number is nil where no wanted input leads to it.
struct TapedValue<Value: Sendable>: Sendable {
  let value: Value
  let number: Int?
}

/// A builder that has another one build, and notes what depends on the inputs by which it derives.
final class FormulaTape<Base: Builder>: Builder {
  typealias Value = TapedValue<Base.Value>
  private struct Step {
    let op: any Operator
    let inputs: Few<Value?>
    let outputs: Few<Value>
  }
  private let base: Base
  private var steps: [Step] = []
  private var count = 0

  init(_ base: Base) { self.base = base }

  func fact(of value: Value) -> Fact { base.fact(of: value.value) }

  func constant(_ tensor: Tensor) throws(EngineError) -> Value {
    Value(value: try base.constant(tensor), number: nil)
  }

  private func numbered(_ value: Base.Value) -> Value {
    count += 1
    return Value(value: value, number: count - 1)
  }

  func call<Op: Operator>(
    _ op: Op, _ inputs: Few<Value?>, outputs: Int
  ) throws(EngineError) -> Few<Value> {
    let made = try base.call(op, inputs.map { $0?.value }, outputs: outputs)
    guard inputs.array.contains(where: { $0?.number != nil }) else {
      return made.map { Value(value: $0, number: nil) }
    }
    let results = made.map { v in
      base.fact(of: v).dtype?.isFloat == false ? Value(value: v, number: nil) : numbered(v)
    }
    if results.array.contains(where: { $0.number != nil }) {
      steps.append(Step(op: op, inputs: inputs, outputs: results))
    }
    return results
  }

  /// The inputs of `g`, those numbered whose gradients are asked for.
  func inputs(_ g: Backward<Base.Value>) -> Few<Value?> {
    var list: [Value?] = []
    for i in 0..<g.inputs.count {
      guard let v = g.inputs[i] else {
        list.append(nil)
        continue
      }
      let isWanted = g.needs(i) && base.fact(of: v).dtype?.isFloat != false
      list.append(isWanted ? numbered(v) : Value(value: v, number: nil))
    }
    return Few(list)
  }

  /// Hands in the gradients of `inputs`, given the formula's results.
  func give(
    _ inputs: Few<Value?>, _ outputs: Few<Value>, _ g: inout Backward<Base.Value>
  ) throws(EngineError) {
    var sums = [Base.Value?](repeating: nil, count: count)
    func add(_ value: Base.Value, to number: Int) throws(EngineError) {
      sums[number] = if let sum = sums[number] { try plus(base, sum, value) } else { value }
    }
    for i in 0..<min(outputs.count, g.upstreams.count) {
      if let up = g.upstreams[i], let number = outputs[i].number { try add(up, to: number) }
    }
    for step in steps.reversed() {
      let upstreams = step.outputs.map { $0.number.flatMap { sums[$0] } }
      guard upstreams.array.contains(where: { $0 != nil }) else { continue }
      var needed: UInt64 = 0
      for i in 0..<min(64, step.inputs.count) where step.inputs[i]?.number != nil {
        needed |= 1 << UInt64(i)
      }
      var back = Backward(
        inputs: step.inputs.map { $0?.value }, outputs: step.outputs.map(\.value),
        upstreams: upstreams, needed: needed)
      do throws(EngineError) {
        try step.op.gradient(base, &back)
      } catch { throw error.at(operatorName: type(of: step.op).schema.name) }
      for i in 0..<step.inputs.count {
        guard let number = step.inputs[i]?.number, let part = back.result(i) else { continue }
        try add(part, to: number)
      }
    }
    for i in 0..<inputs.count {
      if let number = inputs[i]?.number, let sum = sums[number] { g.give(i, sum) }
    }
  }
}
