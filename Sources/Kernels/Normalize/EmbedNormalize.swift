import Tensors

/// Sums of rows of up to three tables, brought to zero mean and unit variance, scaled and shifted;
/// float32.
public struct EmbedNormalize: Sendable {
  let batch: Int
  let length: Int
  let n: Int
  let words: Int
  let places: Int
  let segments: Int
  /// Distance between the positions of batch entries; 0 where they share one row.
  let placeStride: Int
  let epsilon: Float

  /// - `words`, `places`, `segments`: rows of the tables.
  public init(
    batch: Int, length: Int, n: Int, words: Int, places: Int, segments: Int, placeStride: Int,
    epsilon: Float
  ) {
    self.batch = batch
    self.length = length
    self.n = n
    self.words = words
    self.places = places
    self.segments = segments
    self.placeStride = placeStride
    self.epsilon = epsilon
  }

  /// What a run reads and writes; nil for what is absent or not wanted.
  public struct Operands {
    public var ids: UnsafePointer<Int32>
    public var segmentIDs: UnsafePointer<Int32>?
    public var placeIDs: UnsafePointer<Int32>?
    public var word: UnsafePointer<Float>
    public var place: UnsafePointer<Float>
    public var segment: UnsafePointer<Float>?
    public var gain: UnsafePointer<Float>
    public var shift: UnsafePointer<Float>
    public var output: UnsafeMutablePointer<Float>
    public var sum: UnsafeMutablePointer<Float>?
    public init(
      ids: UnsafePointer<Int32>, segmentIDs: UnsafePointer<Int32>?,
      placeIDs: UnsafePointer<Int32>?, word: UnsafePointer<Float>, place: UnsafePointer<Float>,
      segment: UnsafePointer<Float>?, gain: UnsafePointer<Float>, shift: UnsafePointer<Float>,
      output: UnsafeMutablePointer<Float>, sum: UnsafeMutablePointer<Float>?
    ) {
      self.ids = ids
      self.segmentIDs = segmentIDs
      self.placeIDs = placeIDs
      self.word = word
      self.place = place
      self.segment = segment
      self.gain = gain
      self.shift = shift
      self.output = output
      self.sum = sum
    }
  }

  /// Errors: `.value` for a row that a table lacks.
  public func run(_ o: Operands, pool: ThreadPool) throws(EngineError) {
    try check(o.ids, batch * length, words, "input_ids")
    if let ids = o.segmentIDs { try check(ids, batch * length, segments, "segment_ids") }
    if let ids = o.placeIDs {
      try check(ids, placeStride == 0 ? length : batch * length, places, "position_ids")
    }
    let rows = batch * length
    let each = max(1, 4096 / max(1, n))
    pool.run((rows + each - 1) / each) { piece in
      for r in piece * each..<min(rows, (piece + 1) * each) { row(r, o) }
    }
  }

  private func check(
    _ ids: UnsafePointer<Int32>, _ count: Int, _ rows: Int, _ name: String
  ) throws(EngineError) {
    for i in 0..<count where ids[i] < 0 || Int(ids[i]) >= rows {
      throw EngineError(
        .value, "\(name) names a row that its table lacks", expected: "0 to \(rows - 1)",
        received: "\(ids[i])")
    }
  }

  private func row(_ r: Int, _ o: Operands) {
    let y = o.output + r * n
    let sum = o.sum.map { $0 + r * n } ?? y
    let at = r % length
    let place = o.placeIDs.map { Int($0[r / length * placeStride + at]) } ?? at
    let word = o.word + Int(o.ids[r]) * n
    let position = o.place + place * n
    for i in 0..<n { sum[i] = word[i] + position[i] }
    if let segment = o.segment, let ids = o.segmentIDs {
      let from = segment + Int(ids[r]) * n
      for i in 0..<n { sum[i] += from[i] }
    }
    let (mean, variance) = Float.moments(sum, n)
    let scale = 1 / (variance + epsilon).squareRoot()
    Float.affineEach(sum, n, shift: mean, scale: scale, gain: o.gain, bias: o.shift, into: y)
  }
}
