import Graphs
import Operators
import Tensors

/// Random numbers, as many as the first input has elements, that depend on a state and on nothing
/// else: the same ones wherever the step runs, eagerly or compiled, on any number of threads.
///
/// - `x`: float32 or float64, any shape; its values do not matter. `state`: int64 `[2]`, the seed
///   and the number of calls before, to which `offset` is added.
/// - Kinds: uniform in [0, 1); standard normal; a mask: 0 with probability `rate`, rounded to
///   2^-32, and `1 / (1 - rate)` otherwise.
/// - Output: dtype and shape of `x`. Gradient: none flows.
/// - Source: domain ai.dlrun 1, Philox4x32-10 as in `RandomStream`. Lives in captured training
///   steps only, which give it their state.
struct RandomDraw: Operator {
  enum Kind: Hashable, Sendable {
    case uniform, normal
    case mask(Double)
  }
  let kind: Kind
  let offset: Int

  static let schema = Schema(
    "RandomDraw", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("x", .floats), Parameter("state", .int64, "S")],
    outputs: [Parameter("y", .floats)], isDifferentiable: true, cases: { [] })

  typealias Parameter = Graphs.Parameter

  init(_ kind: Kind, offset: Int = 0) {
    self.kind = kind
    self.offset = offset
  }
  init(reading a: AttributeReader) throws(EngineError) {
    throw EngineError(.unsupported, "RandomDraw is not read from files")
  }

  func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }

  func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let type = try p.input(0)
    guard type.dtype == .float32 || type.dtype == .float64, try p.input(1).count == 2 else {
      throw p.noKernel()
    }
    let (kind, offset, count) = (kind, UInt64(offset), type.count)
    let isWide = type.dtype == .float64
    let piece = 4096
    return Prepared(label: "philox") { m in
      let state = m.inputs[1].assumingMemoryBound(to: UInt64.self)
      let stream = RandomStream(key: state[0], call: state[1] &+ offset)
      let y = m.outputs[0]
      m.pool.run((count + piece - 1) / piece) { k in
        let range = k * piece..<min(count, (k + 1) * piece)
        if isWide {
          fill(y.assumingMemoryBound(to: Double.self), range, stream, kind)
        } else {
          fill(y.assumingMemoryBound(to: Float.self), range, stream, kind)
        }
      }
    }
  }

  func gradient<B: Builder>(_ b: B, _ g: inout Backward<B.Value>) throws(EngineError) {}
}

/// Writes draws `range`, which begins at a multiple of 4.
private func fill<T: BinaryFloatingPoint>(
  _ y: UnsafeMutablePointer<T>, _ range: Range<Int>, _ stream: RandomStream,
  _ kind: RandomDraw.Kind
) {
  switch kind {
  case .uniform: for i in range { y[i] = T(stream.uniform(i)) }
  case .normal: for i in range { y[i] = T(stream.normal(i)) }
  case .mask(let rate):
    let bar = UInt32(min(rate * 0x1p32, 0x1p32 - 1))
    let kept = T(1 / (1 - rate))
    var i = range.lowerBound
    while i < range.upperBound {
      // Four elements a block of the generator.
      let (a, b, c, d) = stream.words(i >> 2)
      let words: InlineArray<4, UInt32> = [a, b, c, d]
      for j in 0..<min(4, range.upperBound - i) { y[i + j] = words[j] < bar ? 0 : kept }
      i += 4
    }
  }
}

extension Tensor {
  /// Numbers uniform in `low..<high`, as many as this tensor has elements, of its dtype. A compiled
  /// step draws them anew each time, the same ones as an eager step.
  public func uniformLike(
    from low: Double = 0, to high: Double = 1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try drawn(.uniform, file, line) * (high - low) + low }

  /// Normally distributed numbers, as many as this tensor has elements, of its dtype.
  public func normalLike(
    mean: Double = 0, deviation: Double = 1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try drawn(.normal, file, line) * deviation + mean }

  /// 0 with probability `rate`, `1 / (1 - rate)` otherwise, in this tensor's shape and dtype.
  ///
  /// Errors: `.value` for a rate outside 0..<1.
  public func dropoutMask(
    _ rate: Double, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    guard rate >= 0, rate < 1 else {
      throw located(
        EngineError(
          .value, "a dropout rate is out of range", expected: "from 0, below 1",
          received: "\(rate)"), file, line)
    }
    return try drawn(.mask(rate), file, line)
  }

  private func drawn(
    _ kind: RandomDraw.Kind, _ file: StaticString, _ line: UInt
  ) throws(EngineError) -> Tensor {
    if let capture = TapeContext.current.capture, capture.isForTraining {
      let (state, offset) = try capture.drawnState()
      return try apply(RandomDraw(kind, offset: offset), self, state, file, line)
    }
    let stream = RandomStream.next()
    return try apply(RandomDraw(kind), self, stream.state(), file, line)
  }
}

extension RandomStream {
  /// Seed and call, as `RandomDraw` reads them.
  func state() throws(EngineError) -> Tensor {
    try Tensor([Int64(bitPattern: key), Int64(bitPattern: call)])
  }
}
