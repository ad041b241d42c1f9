import Graphs
import Kernels
import Tensors

/// Runs an operator that is written for `[N, C, D1, ...]` on images that lie as `[N, D1, ..., C]`.
struct ChannelsLast: Sendable {
  /// The inputs that are images. The result is one.
  let images: [Int]

  /// The sizes with the last axis in second place.
  static func first(_ dims: [Dim]) -> [Dim] {
    guard dims.count > 2, let c = dims.last else { return dims }
    return [dims[0], c] + dims[1..<dims.count - 1]
  }
  /// The sizes with the second axis in last place.
  static func last(_ dims: [Dim]) -> [Dim] {
    guard dims.count > 2 else { return dims }
    return [dims[0]] + dims[2...] + [dims[1]]
  }
  private static func first(_ t: TensorType) -> TensorType {
    let rank = t.shape.rank
    guard rank > 2 else { return t }
    return TensorType(
      t.dtype,
      Shape(rank: rank) { $0 == 0 ? t.shape[0] : $0 == 1 ? t.shape[rank - 1] : t.shape[$0 - 1] })
  }

  func infer(_ op: some Operator, _ c: Inference) throws(EngineError) -> [Fact] {
    var facts: [Fact?] = c.inputs
    for i in images where i < facts.count {
      guard let f = facts[i] else { continue }
      facts[i] = Fact(f.dtype, f.dims.map { ChannelsLast.first($0) })
    }
    let results = try op.infer(Inference(inputs: facts, outputCount: c.outputCount))
    return results.map { Fact($0.dtype, $0.dims.map { ChannelsLast.last($0) }) }
  }

  /// Multiply-adds of `op`, whose images lie the other way.
  func multiplyAdds(
    _ op: some Operator, inputs: [[Dim]?], outputs: [[Dim]?]
  ) -> Dim? {
    var turned = inputs
    for i in images where i < turned.count { turned[i] = turned[i].map { ChannelsLast.first($0) } }
    return op.multiplyAdds(
      inputs: turned, outputs: outputs.map { $0.map { ChannelsLast.first($0) } })
  }

  /// `op` between two changes of layout. Turned images lie in scratch, whole.
  func prepare(_ op: some Operator, _ p: Preparation) throws(EngineError) -> Prepared {
    var types = p.inputs
    var constants = p.constants
    let result = try p.output(0)
    for i in images where i < types.count {
      guard let t = types[i] else { continue }
      types[i] = ChannelsLast.first(t)
      if i < constants.count { constants[i] = nil }
    }
    let inner = try op.prepare(
      Preparation(
        inputs: types, outputs: [ChannelsLast.first(result)], constants: constants,
        options: p.options, store: p.store))
    guard inner.kind == .kernel else { return inner }
    let rank = result.shape.rank
    let turn = [0, rank - 1] + Array(1..<rank - 1)
    let back = [0] + Array(2..<rank) + [1]
    var end = ((p.inputs.count + 1) * MemoryLayout<UnsafeMutableRawPointer>.stride + 63) / 64 * 64
    var moves: [StridedCopy?] = []
    var places: [Int] = []
    for (i, t) in p.inputs.enumerated() {
      places.append(end)
      guard images.contains(i), let t, t.count > 0 else {
        moves.append(nil)
        continue
      }
      moves.append(
        StridedCopy(transposing: t.shape.array, turn, elementBytes: t.dtype.byteSize))
      end += (t.byteCount + 63) / 64 * 64
    }
    let target = end
    end += (result.byteCount + 63) / 64 * 64
    let own = end
    let finish =
      result.count == 0
      ? nil
      : StridedCopy(
        transposing: ChannelsLast.first(result).shape.array, back,
        elementBytes: result.dtype.byteSize)
    let count = p.inputs.count
    let label = inner.label + " channels last"
    return Prepared(scratchBytes: own + inner.scratchBytes, label: label) {
      [moves, places] (m) throws(EngineError) in
      let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      for i in 0..<count {
        addresses[i] = m.inputs[i]
        if let move = moves[i] {
          addresses[i] = m.scratch + places[i]
          move.run(to: addresses[i], from: m.inputs[i], pool: m.pool)
        }
      }
      addresses[count] = m.scratch + target
      try inner.run(
        Memory(
          inputs: addresses, outputs: addresses + count, scratch: m.scratch + own, pool: m.pool))
      finish?.run(to: m.outputs[0], from: m.scratch + target, pool: m.pool)
    }
  }
}

extension ChannelsLast {
  /// The inputs with the channels of images behind the batch.
  func channelsSecond<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>
  ) throws(EngineError) -> [B.Value?] {
    var list = inputs.array
    for i in images where i < list.count {
      guard let x = list[i] else { continue }
      let rank = try knownRank(b, x)
      list[i] = try b.apply(Transpose(perm: [0, rank - 1] + Array(1..<rank - 1)), x)
    }
    return list
  }

  /// A result with its channels as the last axis.
  func channelsLast<B: Builder>(_ b: B, _ y: B.Value) throws(EngineError) -> B.Value {
    let rank = try knownRank(b, y)
    return try b.apply(Transpose(perm: [0] + Array(2..<rank) + [1]), y)
  }
}
