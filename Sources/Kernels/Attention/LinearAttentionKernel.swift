import Tensors

/// The recurrence of linear attention over float32 heads.
///
/// For each token the state `S` `[dk, dv]` of a key head decays, takes in `k v^T` (or the
/// corrected `k (beta (v - S^T k))^T`), and is read by the query heads of its group. Columns of the
/// state do not depend on each other, so work is split over batch entries, key heads and blocks
/// of 64 columns, which stay in the first-level cache over all tokens.
public struct LinearAttentionKernel: Sendable {
  public struct Sizes: Sendable {
    public var batch = 0
    public var tokens = 0
    public var queryHeads = 0
    public var keyHeads = 0
    public var keySize = 0
    public var valueSize = 0
    public init() {}
  }

  /// How a token's decay lies: absent, one number a key head, or one a row of the state.
  public enum Decay: Sendable { case none, perHead, perRow }
  /// How a token's update rate lies: absent, one number, or one a key head.
  public enum Rate: Sendable { case none, shared, perHead }

  public struct Operands {
    /// `[batch, tokens, heads * size]`.
    public var query: UnsafePointer<Float>
    public var key: UnsafePointer<Float>
    public var value: UnsafePointer<Float>
    public var decay: UnsafePointer<Float>
    public var rate: UnsafePointer<Float>
    /// `[batch, keyHeads, keySize, valueSize]`; nil for zeros.
    public var past: UnsafePointer<Float>?
    public var output: UnsafeMutablePointer<Float>
    /// As `past`; must not overlap it.
    public var state: UnsafeMutablePointer<Float>
    public init(
      query: UnsafePointer<Float>, key: UnsafePointer<Float>, value: UnsafePointer<Float>,
      decay: UnsafePointer<Float>, rate: UnsafePointer<Float>, past: UnsafePointer<Float>?,
      output: UnsafeMutablePointer<Float>, state: UnsafeMutablePointer<Float>
    ) {
      self.query = query
      self.key = key
      self.value = value
      self.decay = decay
      self.rate = rate
      self.past = past
      self.output = output
      self.state = state
    }
  }

  public let sizes: Sizes
  public let decay: Decay
  public let rate: Rate
  public let scale: Float

  public init(sizes: Sizes, decay: Decay, rate: Rate, scale: Float) {
    self.sizes = sizes
    self.decay = decay
    self.rate = rate
    self.scale = scale
  }

  static let block = 64
  private var blocks: Int { (sizes.valueSize + Self.block - 1) / Self.block }
  private var pieces: Int { sizes.batch * sizes.keyHeads * blocks }
  /// Floats of scratch: what a token writes, for each piece.
  public var scratchCount: Int { pieces * Self.block }

  public func run(_ o: Operands, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool) {
    pool.run(pieces) { piece in
      let head = piece / blocks
      let first = piece % blocks * Self.block
      run(
        o, batch: head / sizes.keyHeads, head: head % sizes.keyHeads, first: first,
        width: min(Self.block, sizes.valueSize - first), write: scratch + piece * Self.block)
    }
  }

  private func run(
    _ o: Operands, batch: Int, head: Int, first: Int, width: Int,
    write: UnsafeMutablePointer<Float>
  ) {
    let (dk, dv) = (sizes.keySize, sizes.valueSize)
    let group = sizes.queryHeads / sizes.keyHeads
    let place = (batch * sizes.keyHeads + head) * dk * dv + first
    let state = o.state + place
    for d in 0..<dk {
      if let past = o.past {
        (state + d * dv).update(from: past + place + d * dv, count: width)
      } else {
        (state + d * dv).update(repeating: 0, count: width)
      }
    }
    for t in 0..<sizes.tokens {
      let token = batch * sizes.tokens + t
      let key = o.key + (token * sizes.keyHeads + head) * dk
      let value = o.value + (token * sizes.keyHeads + head) * dv + first
      switch decay {
      case .none: break
      case .perHead:
        let factor = Float.exponential(o.decay[token * sizes.keyHeads + head])
        for d in 0..<dk { scaleRow(state + d * dv, width, factor) }
      case .perRow:
        let logs = o.decay + (token * sizes.keyHeads + head) * dk
        for d in 0..<dk { scaleRow(state + d * dv, width, Float.exponential(logs[d])) }
      }
      if rate == .none {
        for d in 0..<dk { Float.axpy(value, width, key[d], into: state + d * dv) }
      } else {
        let beta = o.rate[rate == .shared ? token : token * sizes.keyHeads + head]
        Float.weighted(key, dk, state, dv, width, into: write)
        for j in 0..<width { write[j] = beta * (value[j] - write[j]) }
        for d in 0..<dk { Float.axpy(write, width, key[d], into: state + d * dv) }
      }
      for h in head * group..<(head + 1) * group {
        let y = o.output + (token * sizes.queryHeads + h) * dv + first
        let query = o.query + (token * sizes.queryHeads + h) * dk
        Float.weighted(query, dk, state, dv, width, into: y)
        for j in 0..<width { y[j] *= scale }
      }
    }
  }

  private func scaleRow(_ row: UnsafeMutablePointer<Float>, _ n: Int, _ factor: Float) {
    for j in 0..<n { row[j] *= factor }
  }
}
