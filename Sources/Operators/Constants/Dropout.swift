import Glibc
import Graphs
import Kernels
import Tensors

/// The input as it is; in training, with some elements zeroed and the others scaled up.
///
/// - Formula, in training: `output = data * mask / (1 - ratio)`, each element of `mask` true with
///   probability `1 - ratio`.
/// - `data`: floating, any shape. `ratio`: one number in [0, 1), default 0.5. `training_mode`: one
///   bool, default false; both inputs from opset 12. Before, `ratio` is an attribute, and the
///   operator does nothing.
/// - `mask`: bool (before opset 10 data's dtype), all true outside training.
/// - `seed`: default: drawn from the clock for each run. One seed gives one mask, that of NumPy's
///   `RandomState`.
/// - Errors: `.value` for a ratio outside [0, 1).
/// - Gradient: the upstream; in training, masked and scaled alike, for which `mask` must be asked.
/// - Source: ONNX Dropout 7, 10, 12 (training), 13, 22.
public struct Dropout: Operator {
  public let seed: Int?
  /// Whether the mask has data's dtype, as before opset 10.
  public let hasFloatMask: Bool
  /// The share that is dropped where the node trains because `is_test` is 0: opsets 1 and 6 only.
  public let trainingRatio: Float?

  static let types: DTypes = [
    .floats, DTypes(.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz),
  ]

  public static let schema = Schema(
    "Dropout", versions: [1, 6, 7, 10, 12, 13, 22],
    inputs: [
      Parameter("data", types), .optional("ratio", types, "T1"),
      .optional("training_mode", .bool, "T2"),
    ],
    outputs: [Parameter("output", types), .optional("mask", [.bool, .floats], "T2")],
    attributes: [
      AttributeSpec("seed", .int, "of the generator; default from the clock", since: 12),
      AttributeSpec("ratio", .float, "an input from opset 12; default 0.5", before: 12),
      AttributeSpec("is_test", .int, "1: nothing is dropped; default 0", before: 7),
      .consumedInputs,
    ],
    inputCounts: [1: 1...1, 12: 1...3],
    isDifferentiable: true, isDeterministic: false,
    cases: {
      let x = try Tensor(shape: [2, 3], (1...6).map { Float($0) })
      return [
        .init(Dropout(), [x]), .init(Dropout(), [x], outputCount: 2),
        .init(
          Dropout(seed: 0), [x, try Tensor(scalar: 0.5 as Float), try Tensor(scalar: true)],
          outputCount: 2),
      ]
    })

  public init(seed: Int? = nil) {
    self.seed = seed
    hasFloatMask = false
    trainingRatio = nil
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    seed = try a.optionalInt("seed")
    hasFloatMask = a.opset < 10
    let ratio = try a.float("ratio", default: 0.5)
    let isTest = try a.bool("is_test", default: false)
    let trains = a.opset < 7 && !isTest
    if trains, !(ratio >= 0 && ratio < 1) {
      throw EngineError(
        .attribute, "attribute 'ratio' is out of range", expected: "from 0, below 1",
        received: "\(ratio)")
    }
    trainingRatio = trains ? ratio : nil
  }
  public var attributes: [Attribute] {
    (seed.map { [.int("seed", $0)] } ?? [])
      + (trainingRatio.map { [.bool("is_test", false), .float("ratio", $0)] } ?? [])
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard g.has(2) || trainingRatio != nil else {
      g.give(0, try g.upstream())
      return
    }
    guard g.outputs.count > 1 else {
      throw EngineError(
        .notDifferentiable, "the gradient of Dropout in training needs its mask",
        expected: "two outputs", received: "one")
    }
    let x = try g.input(0)
    let kept = try times(b, g.upstream(), b.apply(CastLike(), g.outputs[1], x))
    if let trainingRatio {
      g.give(0, try times(b, kept, 1 / (1 - Double(trainingRatio))))
      return
    }
    let ratio = g.has(1) ? try b.apply(CastLike(), g.input(1), x) : try scalar(b, 0.5, like: x)
    let scale = try b.apply(Reciprocal(), minus(b, 1, ratio))
    if g.needs(1) {
      // What is kept grows with the ratio.
      let all = Array(0..<(try knownRank(b, x)))
      let total = try sum(b, times(b, g.upstream(), g.output), all, keepDims: false)
      let slope = try masked(b, times(b, total, scale), where: g.input(2))
      g.give(1, try cast(b, reshape(b, slope, like: g.input(1)), like: g.input(1)))
    }
    g.give(
      0, try times(b, kept, b.apply(Where(), g.input(2), scale, scalar(b, 1, like: x))))
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for i in 1...2 where c.has(i) {
      if let count = c.dims(i)?.reduce(1, *).known, count != 1 {
        throw EngineError(.shape, "input \(i) is not one element", received: "\(count) elements")
      }
    }
    return [Fact(c.dtype(0), c.dims(0)), Fact(hasFloatMask ? c.dtype(0) : .bool, c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let isAsked = p.has(2)
    let trains =
      trainingRatio != nil || isAsked && p.constant(2).map { $0.rawBytes.first != 0 } ?? true
    let copy = StridedCopy(copying: x.count, elementBytes: x.dtype.byteSize)
    let count = x.count
    let maskOne = p.wants(1) ? try element(1, p.output(1).dtype) : nil
    let maskSize = p.wants(1) ? try p.output(1).dtype.byteSize : 0
    if !trains {
      guard let maskOne else { return .view }
      return Prepared { m in
        copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool)
        Blocks.fill(
          m.outputs[1], with: maskOne.storage.bytes, count: count, elementBytes: maskSize)
      }
    }
    let ratioType = p.has(1) ? try p.input(1).dtype : nil
    let seed = self.seed
    let fixedRatio = Double(trainingRatio ?? 0.5)
    // A mask of numbers is drawn as bools first.
    let maskType = p.wants(1) ? try p.output(1).dtype : .bool
    let (twister, room) = (MersenneTwister.scratchBytes, maskType == .bool ? 0 : count)
    return Prepared(scratchBytes: twister + room) { (m) throws(EngineError) in
      let ratio =
        try ratioType.map { (d) throws(EngineError) in
          try number(m.inputs[1], d)
        } ?? fixedRatio
      guard ratio >= 0, ratio < 1 else {
        throw EngineError(
          .value, "the ratio is out of range", expected: "from 0, below 1", received: "\(ratio)")
      }
      if isAsked && !m.input(2, Bool.self)[0] || ratio == 0 {
        copy.run(to: m.outputs[0], from: m.inputs[0], pool: m.pool)
        if let maskOne {
          Blocks.fill(
            m.outputs[1], with: maskOne.storage.bytes, count: count, elementBytes: maskSize)
        }
        return
      }
      var random = MersenneTwister(
        seed: seed.map { UInt32(truncatingIfNeeded: $0) } ?? now(),
        scratch: m.scratch)
      let drawn = (m.scratch + twister).assumingMemoryBound(to: Bool.self)
      let mask = maskOne == nil ? nil : room > 0 ? drawn : m.output(1, Bool.self)
      let scale = 1 / (1 - ratio)
      switch x.dtype {
      case .float32:
        let (s, x, y) = (Float(scale), m.input(0, Float.self), m.output(0, Float.self))
        for first in stride(from: 0, to: count, by: MersenneTwister.blockCount) {
          let some = min(MersenneTwister.blockCount, count - first)
          Chances.drop(
            some, random.draw(), ratio: ratio, scale: s, x + first, y + first,
            mask: mask.map { $0 + first })
        }
      case .float64: drop(m, count, ratio, mask, &random, Double.self) { $0 ? $1 * scale : 0 * $1 }
      case .float16:
        let s = Float(scale)
        drop(m, count, ratio, mask, &random, Float16.self) {
          Float16($0 ? Float($1) * s : 0 * Float($1))
        }
      case .bfloat16:
        let s = Float(scale)
        drop(m, count, ratio, mask, &random, BFloat16.self) {
          BFloat16($0 ? $1.float * s : 0 * $1.float)
        }
      default:
        guard let narrow = NarrowFloat(x.dtype) else {
          throw EngineError(.dtype, "no training with these elements", received: "\(x.dtype)")
        }
        let s = Float(scale)
        drop(m, count, ratio, mask, &random, UInt8.self) {
          narrow.encode($0 ? narrow.decode($1) * s : 0 * narrow.decode($1))
        }
      }
      for i in 0..<room { storeNumber(drawn[i] ? 1 : 0, m.outputs[1], i, maskType) }
    }
  }
}

@inline(__always) private func drop<T>(
  _ m: Memory, _ count: Int, _ ratio: Double, _ mask: UnsafeMutablePointer<Bool>?,
  _ random: inout MersenneTwister, _: T.Type, _ f: (Bool, T) -> T
) {
  let x = m.input(0, T.self)
  let y = m.output(0, T.self)
  for first in stride(from: 0, to: count, by: MersenneTwister.blockCount) {
    let drawn = random.draw()
    for i in first..<min(count, first + MersenneTwister.blockCount) {
      let isKept = drawn[i - first] >= ratio
      y[i] = f(isKept, x[i])
      if let mask { mask[i] = isKept }
    }
  }
}

private func number(_ memory: UnsafeRawPointer, _ dtype: DType) throws(EngineError) -> Double {
  switch dtype {
  case .float32: return Double(memory.loadUnaligned(as: Float.self))
  case .float64: return memory.loadUnaligned(as: Double.self)
  case .float16: return Double(memory.loadUnaligned(as: Float16.self))
  case .bfloat16: return Double(memory.loadUnaligned(as: BFloat16.self).float)
  default:
    guard let narrow = NarrowFloat(dtype) else {
      throw EngineError(.dtype, "a ratio of these elements cannot be read", received: "\(dtype)")
    }
    return Double(narrow.decode(memory.load(as: UInt8.self)))
  }
}

private func now() -> UInt32 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt32(truncatingIfNeeded: time.tv_nsec &* 2_654_435_761 &+ time.tv_sec)
}

extension Dropout {
  /// As `gradient`; a node that did not put its mask out is made to.
  public func gradientIntoGraph(
    _ b: GraphBuilder, _ g: inout Backward<ValueID>
  ) throws(EngineError) {
    let isTraining = g.has(2) || trainingRatio != nil
    let y = g.output
    guard isTraining, g.outputs.count == 1,
      let i = b.graph.nodes.firstIndex(where: { $0.outputs.first == .some(y) })
    else {
      try gradient(b, &g)
      return
    }
    let fact = b.fact(of: y)
    let mask = b.graph.addValue("", Fact(hasFloatMask ? fact.dtype : .bool, fact.dims))
    b.graph.nodes[i].outputs = [y, mask]
    var needed: UInt64 = 0
    for k in 0..<2 where g.needs(k) { needed |= 1 << UInt64(k) }
    var whole = Backward(
      inputs: g.inputs, outputs: Few(y, mask), upstreams: Few(g.upstreams[0], nil), needed: needed)
    try gradient(b, &whole)
    for k in 0..<2 { if let part = whole.result(k) { g.give(k, part) } }
  }
}
