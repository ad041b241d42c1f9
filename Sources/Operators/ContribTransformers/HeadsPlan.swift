import Graphs
import Kernels
import Tensors

/// Attention of com.microsoft after its projections: padding mask, bias of the scores, cache.
///
/// Float32. New keys and values are read where they lie; with a past they are put behind it in the
/// cache, which is the present where that is wanted.
struct HeadsPlan: Sendable {
  /// What a use of attention is made of.
  struct Shapes {
    var batch = 0
    var heads = 0
    var queries = 0
    /// New keys.
    var keys = 0
    var keySize = 0
    var valueSize = 0
    /// Rows of the past cache; nil without one.
    var pastRows: Int?
    /// Rows of the past cache that are valid, where it has room for more.
    var past: Int?
    var query = AttentionKernel.Layout(batch: 0, head: 0, row: 0)
    var key = AttentionKernel.Layout(batch: 0, head: 0, row: 0)
    var value = AttentionKernel.Layout(batch: 0, head: 0, row: 0)
    var mask: Shape?
    var bias: Shape?
    var wants = (output: true, key: false, value: false, scores: false)
    /// Batch entries whose caches a beam search mixes; nil without.
    var beams: Int?
  }

  struct Operands {
    var query: UnsafePointer<Float>
    var key: UnsafePointer<Float>
    var value: UnsafePointer<Float>
    var mask: UnsafePointer<Int32>?
    var bias: UnsafePointer<Float>?
    var pastKey: UnsafeMutableRawPointer?
    var pastValue: UnsafeMutableRawPointer?
    var presentKey: UnsafeMutableRawPointer?
    var presentValue: UnsafeMutableRawPointer?
    var output: UnsafeMutableRawPointer
    var scores: UnsafeMutableRawPointer?
    /// `[batch / beams, beams, capacity]`: the beam that each key comes from.
    var indirection: UnsafePointer<Int32>?
  }

  private var kernel: AttentionKernel
  private let mask: PaddingMask?
  private let keyCache: CacheUpdate
  private let valueCache: CacheUpdate
  private let hasPast: Bool
  private let past: Int
  private let beams: Int?
  private let wants: (output: Bool, key: Bool, value: Bool, scores: Bool)
  private let places: (scores: Int, mask: Int, key: Int, value: Int, spare: Int, starts: Int)
  private let mixed: (key: Int, value: Int)

  /// `capacity` of the new cache is that of the past one where `s.past` says how much is valid.
  init(
    _ s: Shapes, scale: Float?, filter: Float, isCausal: Bool, scoreMode: Int, threads: Int,
    scratch: inout ScratchLayout
  ) throws(EngineError) {
    var sizes = AttentionKernel.Sizes()
    sizes.batch = s.batch
    sizes.queryHeads = s.heads
    sizes.keyHeads = s.heads
    sizes.queries = s.queries
    sizes.keys = s.keys
    sizes.keySize = s.keySize
    sizes.valueSize = s.valueSize
    hasPast = s.pastRows != nil
    past = s.past ?? s.pastRows ?? 0
    sizes.past = past
    let total = sizes.total
    let capacity = s.past == nil ? total : s.pastRows ?? total
    guard capacity >= total else {
      throw EngineError(
        .shape, "the cache has no room for the new keys", expected: "at least \(total) rows",
        received: "\(capacity)")
    }
    func packed(_ size: Int) -> AttentionKernel.Layout {
      .init(batch: s.heads * capacity * size, head: capacity * size, row: size)
    }
    // Scores that are put out show what the causal mask adds.
    if s.mask != nil || isCausal && s.wants.scores {
      mask = try PaddingMask(
        s.mask, batch: s.batch, queries: s.queries, past: past, total: total, filter: filter,
        isCausal: isCausal)
    } else {
      mask = nil
    }
    kernel = AttentionKernel(
      sizes: sizes, query: s.query, key: hasPast ? packed(s.keySize) : s.key,
      value: hasPast ? packed(s.valueSize) : s.value,
      output: .init(
        batch: s.queries * s.heads * s.valueSize, head: s.valueSize, row: s.heads * s.valueSize),
      mask: mask?.mask,
      scale: scale.map { Double($0) } ?? 1 / Double(max(1, s.keySize)).squareRoot(),
      softcap: 0, isCausal: isCausal && mask == nil, leftWindow: -1, rightWindow: -1,
      scoreMode: scoreMode, workers: threads > 1 ? 4 * threads : 1)
    kernel.extra = try s.bias.map { (shape) throws(EngineError) in
      try HeadsPlan.bias(shape, s.batch, s.heads, s.queries, total)
    }
    func cache(_ size: Int, _ layout: AttentionKernel.Layout) -> CacheUpdate {
      CacheUpdate(
        batch: s.batch, heads: s.heads, size: size, pastRows: s.pastRows ?? 0, capacity: capacity,
        rows: s.keys, layout: layout)
    }
    keyCache = cache(s.keySize, s.key)
    valueCache = cache(s.valueSize, s.value)
    beams = s.beams
    wants = s.wants
    places = (
      scores: try scratch.take(kernel.scratchCount), mask: try scratch.take(mask?.count ?? 0),
      key: try scratch.take(hasPast && !wants.key ? keyCache.count : 0),
      value: try scratch.take(hasPast && !wants.value ? valueCache.count : 0),
      spare: try scratch.take(
        wants.output ? 0 : s.batch * s.queries * s.heads * s.valueSize),
      starts: try scratch.take(s.batch, width: 8)
    )
    let mixes = beams != nil && hasPast
    mixed = (
      try scratch.take(mixes ? keyCache.count : 0), try scratch.take(mixes ? valueCache.count : 0)
    )
  }

  /// How a bias of the scores broadcasts.
  ///
  /// Errors: `.shape` where it does not.
  static func bias(
    _ shape: Shape, _ batch: Int, _ heads: Int, _ queries: Int, _ total: Int
  ) throws(EngineError) -> AttentionKernel.Mask {
    guard shape.rank == 4, shape[0] == 1 || shape[0] == batch, shape[1] == 1 || shape[1] == heads,
      shape[2] == queries, shape[3] == total
    else {
      throw EngineError(
        .shape, "attention_bias does not fit the scores",
        expected: "[1 or \(batch), 1 or \(heads), \(queries), \(total)]", received: "\(shape)")
    }
    return AttentionKernel.Mask(
      isBool: false, batch: shape[0] == 1 ? 0 : shape[1] * queries * total,
      head: shape[1] == 1 ? 0 : queries * total, row: total, columns: total)
  }

  func run(_ o: Operands, scratch: UnsafeMutableRawPointer, pool: ThreadPool) throws(EngineError) {
    var keys = UnsafeRawPointer(o.key)
    var values = UnsafeRawPointer(o.value)
    let starts = (scratch + places.starts).assumingMemoryBound(to: Int64.self)
    for b in 0..<keyCache.batch { starts[b] = Int64(past) }
    if hasPast || wants.key {
      let to = wants.key ? o.presentKey ?? scratch + places.key : scratch + places.key
      keyCache.run(
        past: o.pastKey.map { UnsafeRawPointer($0) }, new: keys, starts: starts, counts: nil,
        into: to, pool: pool)
      if hasPast { keys = UnsafeRawPointer(to) }
    }
    if hasPast || wants.value {
      let to = wants.value ? o.presentValue ?? scratch + places.value : scratch + places.value
      valueCache.run(
        past: o.pastValue.map { UnsafeRawPointer($0) }, new: values, starts: starts, counts: nil,
        into: to, pool: pool)
      if hasPast { values = UnsafeRawPointer(to) }
    }
    if let beams, hasPast, let indirection = o.indirection {
      keys = try mix(keyCache, keys, beams, indirection, into: scratch + mixed.key)
      values = try mix(valueCache, values, beams, indirection, into: scratch + mixed.value)
    }
    mask?.write(o.mask, into: (scratch + places.mask).assumingMemoryBound(to: Float.self))
    var operands = AttentionKernel.Operands(
      query: o.query, key: keys, value: values,
      mask: mask == nil ? nil : UnsafeRawPointer(scratch + places.mask), lengths: nil,
      output: wants.output ? o.output : scratch + places.spare,
      scores: wants.scores ? o.scores : nil)
    operands.extra = o.bias.map { UnsafeRawPointer($0) }
    kernel.run(.float32, operands, scratch: scratch + places.scores, pool: pool)
  }

  /// The cache with each past row taken from the beam that it belongs to.
  private func mix(
    _ c: CacheUpdate, _ from: UnsafeRawPointer, _ beams: Int,
    _ indirection: UnsafePointer<Int32>, into y: UnsafeMutableRawPointer
  ) throws(EngineError) -> UnsafeRawPointer {
    let x = from.assumingMemoryBound(to: Float.self)
    let to = y.assumingMemoryBound(to: Float.self)
    for b in 0..<c.batch {
      for t in 0..<past + c.rows {
        var source = b
        if t < past {
          let beam = indirection[b * c.capacity + t]
          guard beam >= 0, Int(beam) < beams else {
            throw EngineError(
              .value, "cache_indirection names a beam that is not there",
              expected: "0 to \(beams - 1)", received: "\(beam)")
          }
          source = b / beams * beams + Int(beam)
        }
        for h in 0..<c.heads {
          (to + ((b * c.heads + h) * c.capacity + t) * c.size).update(
            from: x + ((source * c.heads + h) * c.capacity + t) * c.size, count: c.size)
        }
      }
    }
    return UnsafeRawPointer(y)
  }
}
