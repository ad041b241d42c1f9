import Graphs
import Tensors

@testable import Operators

/// Compares an operator's gradient rule with central differences, on one case of its schema: by
/// values, recorded with symbolic sizes, and once more differentiated.
///
/// The loss weighs the outputs with different factors, so that a permuted gradient shows. A gradient
/// that the rule does not hand in counts as zero. What does not agree comes back as text.
struct GradientCheck {
  let op: any Operator
  let inputs: [Tensor?]
  let outputs: Int
  /// Doubles leave room for small differences; not every operator has them.
  let isDouble: Bool
  /// Whether the formula stands for a kernel that takes no doubles.
  let usesFormula: Bool
  private let plain: [Tensor?]

  init(_ c: Schema.Case) throws {
    op = c.op
    outputs = c.outputCount
    plain = c.inputs
    let schema = type(of: c.op).schema
    var doubles = c.inputs
    var all = c.inputs
    for (i, t) in c.inputs.enumerated() {
      guard let t, t.dtype == .float32 else { continue }
      let wide = try Tensor(shape: t.shape, t.elements(Float.self).map { Double($0) })
      all[i] = wide
      // Some inputs, scales for instance, are always float32.
      if schema.input(i)?.types.contains(.float64) != false { doubles[i] = wide }
    }
    func runs(_ inputs: [Tensor?], _ byFormula: Bool) -> Bool {
      guard inputs.contains(where: { $0?.dtype == .float64 }) else { return false }
      let made = try? GradientCheck.forward(c.op, inputs, c.outputCount, byFormula)
      return made?.contains { $0.dtype == .float64 } == true
    }
    if runs(doubles, false) {
      (inputs, isDouble, usesFormula) = (doubles, true, false)
    } else if runs(all, true) {
      (inputs, isDouble, usesFormula) = (all, true, true)
    } else {
      (inputs, isDouble, usesFormula) = (c.inputs, false, false)
    }
  }

  private var step: Double { isDouble ? 1e-6 : 1e-2 }
  private func agree(_ a: Double, _ b: Double) -> Bool {
    abs(a - b) <= (isDouble ? 1e-5 + 1e-3 * abs(b) : 2e-2 * max(1, abs(b)))
  }

  private static func forward(
    _ op: any Operator, _ inputs: [Tensor?], _ outputs: Int, _ byFormula: Bool
  ) throws -> [Tensor] {
    if byFormula {
      if let formula = op as? any FormulaGradient {
        return try formula.formula(Eager(), Few(inputs), outputs: outputs).array
      }
      guard op is any CompositeOperator else { throw EngineError(.unsupported, "no formula") }
      return try op.build(Eager(), Few(inputs), outputs: outputs).array
    }
    return try Eager().evaluate(
      op, inputs.map { $0.map { .tensor($0) } }, outputs: outputs, runner: nil
    ).map {
      guard let v = $0 else { throw EngineError(.internalDefect, "an output is missing") }
      return try v.asTensor()
    }
  }

  private func forward(_ inputs: [Tensor?]) throws -> [Tensor] {
    try GradientCheck.forward(op, inputs, outputs, usesFormula)
  }

  private func weight(_ i: Int) -> Double { 1 + 0.25 * Double(i % 7) }

  private func numbers(_ t: Tensor) -> [Double] {
    switch t.dtype {
    case .float32: t.elements(Float.self).map { Double($0) }
    case .float64: Array(t.elements(Double.self))
    default: []
    }
  }

  private func make(like t: Tensor, _ values: [Double]) throws -> Tensor {
    t.dtype == .float64
      ? try Tensor(shape: t.shape, values) : try Tensor(shape: t.shape, values.map { Float($0) })
  }

  /// Whether differences of a tensor mean anything: float32 beside float64 is too coarse.
  private func isReal(_ t: Tensor?) -> Bool {
    t?.dtype == .float64 || !isDouble && t?.dtype == .float32
  }
  /// Whether the gradient by input `i` is compared: inputs that decide shapes have none.
  private func isCompared(_ i: Int) -> Bool {
    guard isReal(inputs[i]) else { return false }
    // Of a range the same numbers decide its size and its elements.
    if op is RangeOp || op is ContribRange { return true }
    return type(of: op).schema.input(i)?.isShapeInput != true
  }

  private func upstreams(_ results: [Tensor]) throws -> [Tensor?] {
    try results.enumerated().map { (k, t) in
      isReal(t) ? try make(like: t, (0..<t.count).map { weight($0 + 3 * k) }) : nil
    }
  }

  private func loss(_ inputs: [Tensor?]) throws -> Double {
    var sum = 0.0
    for (k, t) in try forward(inputs).enumerated() where isReal(t) {
      // What stands for minus infinity, as in scores that are shown, would drown the rest.
      for (i, v) in numbers(t).enumerated() where abs(v) < 1e30 { sum += weight(i + 3 * k) * v }
    }
    return sum
  }

  private var needed: UInt64 {
    inputs.indices.prefix(64).reduce(0) { $0 | (isCompared($1) ? 1 << UInt64($1) : 0) }
  }

  /// The rule's gradients at `inputs`; zeros where it hands in none.
  private func gradients(_ inputs: [Tensor?]) throws -> [Tensor?] {
    let results = try forward(inputs)
    var g = Backward(
      inputs: Few(inputs), outputs: Few(results), upstreams: Few(try upstreams(results)),
      needed: needed)
    try op.gradientEagerly(Eager(), &g)
    return try inputs.indices.map { i in
      guard let t = inputs[i], isCompared(i) else { return nil }
      return try g.result(i) ?? make(like: t, numbers(t).map { _ in 0 })
    }
  }

  /// Everything that does not agree.
  func failures() throws -> [String] {
    let results = try forward(inputs)
    guard results.contains(where: { isReal($0) }) else { return [] }
    var found: [String] = []
    if let formula = op as? any FormulaGradient {
      found += try formulaFailures(formula)
    }
    let rule = try gradients(inputs)
    for (i, t) in inputs.enumerated() {
      guard let t, let got = rule[i] else { continue }
      guard got.type == t.type else {
        found.append("gradient \(i) is \(got.type), not \(t.type)")
        continue
      }
      let (values, x) = (numbers(got), numbers(t))
      for j in x.indices {
        // Numbers that stand for indices may not be moved.
        guard let above = try? loss(moved(i, j, step)), let below = try? loss(moved(i, j, -step))
        else { continue }
        let difference = (above - below) / (2 * step)
        if !agree(values[j], difference) {
          found.append("input \(i)[\(j)]: rule \(values[j]), differences \(difference)")
        }
      }
    }
    return found
  }

  private func moved(_ i: Int, _ j: Int, _ by: Double) throws -> [Tensor?] {
    var list = inputs
    guard let t = inputs[i] else { return list }
    var x = numbers(t)
    x[j] += by
    list[i] = try make(like: t, x)
    return list
  }

  private func formulaFailures(_ formula: any FormulaGradient) throws -> [String] {
    let inputs = usesFormula ? plain : self.inputs
    let results = try GradientCheck.forward(op, inputs, outputs, false)
    let made = try formula.formula(Eager(), Few(inputs), outputs: outputs)
    var found: [String] = []
    for k in 0..<min(made.count, results.count) {
      guard made[k].shape == results[k].shape else {
        found.append("formula: result \(k) is \(made[k].type), not \(results[k].type)")
        continue
      }
      for (a, b) in zip(numbers(made[k]), numbers(results[k]))
      where !(abs(a - b) <= 1e-5 * max(1, abs(b))) && !(a == b) {
        found.append("formula: result \(k) has \(a), not \(b)")
      }
    }
    return found
  }

  /// What does not agree when the rule is differentiated again: along one direction, against
  /// differences of the rule.
  func secondFailures() throws -> [String] {
    guard isDouble, try forward(inputs).contains(where: { isReal($0) }) else { return [] }
    let tape = FormulaTape(Eager())
    let plain = Backward(
      inputs: Few(inputs), outputs: Few<Tensor>(), upstreams: Few<Tensor?>(), needed: needed)
    let taped = tape.inputs(plain)
    let results: Few<TapedValue<Tensor>>
    if usesFormula, let formula = op as? any FormulaGradient {
      results = try formula.formula(tape, taped, outputs: outputs)
    } else {
      results = try op.build(tape, taped, outputs: outputs)
    }
    let ups = try upstreams(results.array.map(\.value)).map { $0.map { tapeConstant($0) } }
    var inner = Backward(inputs: taped, outputs: results, upstreams: Few(ups), needed: needed)
    try op.gradient(tape, &inner)
    // The direction, and with it the loss: what the first gradients say along it.
    var directions: [Tensor?] = []
    var made: [TapedValue<Tensor>] = []
    var outer: [Tensor?] = []
    for (i, t) in inputs.enumerated() {
      guard let t, isCompared(i) else {
        directions.append(nil)
        continue
      }
      let v = try make(like: t, (0..<t.count).map { 0.5 - 0.3 * Double(($0 + i) % 5) })
      directions.append(v)
      if let part = inner.result(i) {
        made.append(part)
        outer.append(v)
      }
    }
    var g = Backward(
      inputs: Few(inputs), outputs: Few(made.map(\.value)), upstreams: Few(outer), needed: needed)
    try tape.give(taped, Few(made), &g)
    func along(_ by: Double) throws -> [Tensor?] {
      try inputs.indices.map { i in
        guard let t = inputs[i], let v = directions[i] else { return inputs[i] }
        return try make(like: t, zip(numbers(t), numbers(v)).map { $0 + by * $1 })
      }
    }
    let (up, down) = (try gradients(along(step)), try gradients(along(-step)))
    var found: [String] = []
    for (i, t) in inputs.enumerated() {
      guard let t, let a = up[i], let b = down[i] else { continue }
      let values = g.result(i).map { numbers($0) } ?? numbers(t).map { _ in 0 }
      for (j, (p, q)) in zip(numbers(a), numbers(b)).enumerated() {
        let difference = (p - q) / (2 * step)
        if !agree(values[j], difference) {
          found.append("twice, input \(i)[\(j)]: rule \(values[j]), differences \(difference)")
        }
      }
    }
    return found
  }

  private func tapeConstant(_ t: Tensor) -> TapedValue<Tensor> { .init(value: t, number: nil) }

  /// What does not agree when the rule is recorded into a graph whose inputs have symbolic sizes,
  /// and the graph is then run.
  func recordedFailures() throws -> [String] {
    let results = try forward(inputs)
    guard results.contains(where: { isReal($0) }) else { return [] }
    let b = GraphBuilder()
    var values: [Int: Tensor] = [:]
    let schema = type(of: op).schema
    func add(_ t: Tensor, _ isShape: Bool) throws -> ValueID {
      if isShape || t.dtype == .int64 && t.count <= 8 { return try b.constant(t) }
      var dims = t.shape.array.map { Dim($0) }
      if let n = dims.first?.known, n > 1 { dims[0] = Dim(symbol: "n\(n)") }
      let id = b.graph.addValue("", Fact(t.dtype, dims))
      values[id.index] = t
      return id
    }
    let ids = try inputs.enumerated().map { (i, t) in
      try t.map { try add($0, schema.input(i)?.isShapeInput == true) }
    }
    let made = try results.map { try add($0, false) }
    let ups = try upstreams(results).map { try $0.map { try add($0, false) } }
    var g = Backward(inputs: Few(ids), outputs: Few(made), upstreams: Few(ups), needed: needed)
    try op.gradientIntoGraph(b, &g)
    for (id, t) in b.graph.initializers { values[id.index] = t }
    for node in b.graph.nodes {
      guard let op = node.op else { continue }
      let outputs = try Eager().evaluate(
        op, node.inputs.map { $0.flatMap { values[$0.index] }.map { .tensor($0) } },
        outputs: node.outputs.count, runner: nil)
      for (id, v) in zip(node.outputs, outputs) {
        if let id, let v { values[id.index] = try v.asTensor() }
      }
    }
    let rule = try gradients(inputs)
    var found: [String] = []
    for i in inputs.indices {
      guard let want = rule[i], let id = g.result(i) else { continue }
      guard let got = values[id.index], got.shape == want.shape else {
        found.append("recorded: gradient \(i) is \(values[id.index]?.type as Any)")
        continue
      }
      for (p, q) in zip(numbers(got), numbers(want)) where !(abs(p - q) <= 1e-6 * max(1, abs(q))) {
        found.append("recorded: gradient \(i) has \(p), not \(q)")
      }
    }
    return found
  }
}
