import Graphs
import Kernels
import Tensors

/// What the operators that do one step of an optimiser share.
///
/// - Inputs: `R`, the learning rate, float32 or float64, one element; `T`, the number of steps done,
///   int64, one element; then for `n` tensors to optimise first all their values, then all their
///   gradients, then each kind of state in turn. Each tensor has a dtype, float32 or float64, and a
///   shape of its own, which its gradient and states share.
/// - Outputs: the `n` new values, then each kind of state in turn.
/// - Errors: `.arity` for numbers of tensors that do not fit together; `.shape` and `.dtype` where a
///   gradient or state does not fit its tensor.
protocol OptimizerStep: FormulaGradient {
  /// How many kinds of state go with a tensor: 1 or 2.
  static var stateCount: Int { get }
  /// What the step number makes of the learning rate, and one more factor.
  func factors(rate: Double, step: Int64) -> (rate: Double, other: Double)
  /// Updates the elements of `range`.
  func update<T: BinaryFloatingPoint>(
    _ e: OptimizerElements<T>, _ range: Range<Int>, _ f: (rate: Double, other: Double))
  /// The step with other operators, what its gradient follows from: the new value, then the new
  /// states. `rate` and `step` are numbers of the element type of `x`.
  func formula<B: Builder>(
    _ b: B, x: B.Value, gradient: B.Value, states: [B.Value], rate: B.Value, step: B.Value
  ) throws(EngineError) -> [B.Value]
}

/// One tensor, its gradient and its states, before and after a step.
struct OptimizerElements<T: BinaryFloatingPoint>: @unchecked Sendable {
  let value: UnsafePointer<T>
  let gradient: UnsafePointer<T>
  let states: (UnsafePointer<T>, UnsafePointer<T>)
  let newValue: UnsafeMutablePointer<T>
  let newStates: (UnsafeMutablePointer<T>, UnsafeMutablePointer<T>)

  /// Tensor `i` of `n`; the second state is the first where there is only one. `places` has for
  /// each output its place in scratch, -1 where it is wanted.
  init(_ m: Memory, _ i: Int, of n: Int, states count: Int, _ places: Table) {
    func output(_ j: Int) -> UnsafeMutablePointer<T> {
      places[j] < 0 ? m.output(j) : (m.scratch + places[j]).assumingMemoryBound(to: T.self)
    }
    value = m.input(2 + i)
    gradient = m.input(2 + n + i)
    states = (m.input(2 + 2 * n + i), m.input(2 + (count + 1) * n + i))
    newValue = output(i)
    newStates = (output(n + i), output(count * n + i))
  }
}

let optimizerTypes = DTypes(.float32, .float64)

let optimizerInputs = [
  Parameter("R", optimizerTypes, "T1"), Parameter("T", .int64, "T2"),
  Parameter.variadic("inputs", optimizerTypes, ""),
]
let optimizerOutputs = [Parameter.variadic("outputs", optimizerTypes, "")]

extension OptimizerStep {
  /// How many tensors `inputs` hold.
  private func tensors(inputs: Int, outputs: Int) throws(EngineError) -> Int {
    let each = 2 + Self.stateCount
    let n = (inputs - 2) / each
    guard n >= 1, inputs == 2 + n * each, outputs <= n * (1 + Self.stateCount) else {
      throw EngineError(
        .arity, "the numbers of tensors do not fit together",
        expected: "R, T, \(each) inputs and \(1 + Self.stateCount) outputs for each tensor",
        received: "\(inputs) inputs and \(outputs) outputs")
    }
    return n
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let n = try tensors(inputs: c.inputs.count, outputs: c.outputCount)
    for i in 0...1 {
      if let count = c.dims(i)?.reduce(1, *).known, count != 1 {
        throw EngineError(.shape, "input \(i) is not one number", received: "\(count) elements")
      }
    }
    var facts: [Fact] = []
    for i in 0..<n {
      var (dtype, dims) = (c.dtype(2 + i), c.dims(2 + i))
      for part in 1...1 + Self.stateCount {
        let at = 2 + part * n + i
        try checkSameDType(dtype, c.dtype(at))
        dtype = dtype ?? c.dtype(at)
        guard let other = c.dims(at) else { continue }
        let fits =
          dims.map { d in
            d.count == other.count
              && zip(d, other).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
          } ?? true
        guard fits else {
          throw EngineError(
            .shape, "input \(at) has another shape than its tensor, input \(2 + i)",
            expected: "\(dims ?? [])", received: "\(other)")
        }
        dims = dims ?? other
      }
      facts.append(Fact(dtype, dims))
    }
    return (0...Self.stateCount).flatMap { _ in facts }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let n = try tensors(inputs: p.inputs.count, outputs: p.outputs.count)
    let rateType = try p.input(0).dtype
    var dtypes: [Int] = []
    var counts: [Int] = []
    for i in 0..<n {
      let x = try p.input(2 + i)
      guard x.dtype == .float32 || x.dtype == .float64 else { throw p.noKernel() }
      dtypes.append(x.dtype == .float32 ? 0 : 1)
      counts.append(x.count)
    }
    let states = Self.stateCount
    // What nobody wants is written to scratch.
    var scratch = 0
    var outputs: [Int] = []
    for j in 0..<n * (1 + states) {
      outputs.append(p.wants(j) ? -1 : scratch)
      if !p.wants(j) { scratch += (try p.input(2 + j % n).byteCount + 63) / 64 * 64 }
    }
    let (kinds, sizes, places) = (Table(dtypes), Table(counts), Table(outputs))
    return Prepared(scratchBytes: scratch, inPlace: 1 << 2, label: "step of \(n)") { m in
      let rate = loadNumber(m.inputs[0], 0, rateType)
      let f = factors(rate: rate, step: m.input(1, Int64.self)[0])
      for i in 0..<n {
        if kinds[i] == 0 {
          run(OptimizerElements<Float>(m, i, of: n, states: states, places), sizes[i], f, m.pool)
        } else {
          run(OptimizerElements<Double>(m, i, of: n, states: states, places), sizes[i], f, m.pool)
        }
      }
    }
  }

  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    let n = try tensors(inputs: inputs.count, outputs: outputs)
    guard let r = inputs[0], let t = inputs[1] else {
      throw EngineError(.arity, "the rate or the step is missing")
    }
    func input(_ i: Int) throws(EngineError) -> B.Value {
      guard let x = inputs[i] else { throw EngineError(.arity, "input \(i) is missing") }
      return x
    }
    var made: [[B.Value]] = []
    for i in 0..<n {
      let x = try input(2 + i)
      var states: [B.Value] = []
      for s in 0..<Self.stateCount { states.append(try input(2 + (2 + s) * n + i)) }
      made.append(
        try formula(
          b, x: x, gradient: input(2 + n + i), states: states,
          rate: reshape(b, cast(b, r, like: x), []), step: reshape(b, cast(b, t, like: x), [])))
    }
    let list = (0...Self.stateCount).flatMap { part in made.map { $0[part] } }
    return Few(Array(list.prefix(outputs)))
  }

  private func run<T>(
    _ e: OptimizerElements<T>, _ count: Int, _ f: (rate: Double, other: Double), _ pool: ThreadPool
  ) {
    let tile = 16384
    pool.run((count + tile - 1) / tile) { piece in
      update(e, piece * tile..<min(count, (piece + 1) * tile), f)
    }
  }
}

/// Two tensors of different shapes and dtypes, with gradients and `states` kinds of state from 0 up.
func optimizerExample(states: Int, step: Int64) throws -> [Tensor?] {
  let shapes: [Shape] = [[2, 3], [4]]
  func tensors(_ scale: Double, _ shift: Double) throws -> [Tensor] {
    [
      try Tensor(
        shape: shapes[0], (0..<6).map { Float(Double(($0 * 5) % 6) * scale + shift) }),
      try Tensor(shape: shapes[1], (0..<4).map { Double(($0 * 3) % 4) * scale + shift }),
    ]
  }
  var inputs: [Tensor?] = [try Tensor(scalar: Float(0.1)), try Tensor(scalar: step)]
  inputs += try tensors(0.7, -1.3)
  inputs += try tensors(-0.4, 0.9)
  for s in 0..<states { inputs += try tensors(0.3, 0.1 + Double(s)) }
  return inputs
}
