import Graphs
import Kernels
import Tensors

/// Runs an operator that is written for `[N, C, H, W]` on images in the blocked layout, by two
/// changes of layout: the way for everything that has no kernel of its own there.
struct BlockedDetour: Sendable {
  let layout: BlockedLayout
  /// For each input that is a blocked image its number of channels.
  let channels: [Int: Int]
  /// For those that are volumes their number of planes.
  var depths: [Int: Int] = [:]
  /// The plain result, and whether it is to be blocked.
  let result: TensorType
  let blocksResult: Bool

  private func plain(_ t: TensorType, _ channels: Int, _ depth: Int?) -> TensorType {
    guard let depth else {
      return TensorType(t.dtype, Shape([t.shape[0], channels, t.shape[2], t.shape[3]]))
    }
    return TensorType(
      t.dtype, Shape([t.shape[0] / depth, channels, depth, t.shape[2], t.shape[3]]))
  }

  /// `op` between the changes of layout. Plain images lie in scratch, whole.
  func prepare(_ op: some Operator, _ p: Preparation) throws(EngineError) -> Prepared {
    var types = p.inputs
    var constants = p.constants
    // Addresses of the plain inputs and the result come first.
    var end = ((p.inputs.count + 1) * MemoryLayout<UnsafeMutableRawPointer>.stride + 63) / 64 * 64
    var moves: [BlockedMove?] = []
    var places: [Int] = []
    for (i, t) in p.inputs.enumerated() {
      places.append(end)
      guard let t, let channels = channels[i] else {
        moves.append(nil)
        continue
      }
      let type = plain(t, channels, depths[i])
      types[i] = type
      if i < constants.count { constants[i] = nil }
      moves.append(type.count > 0 ? layout.move(type.shape) : nil)
      end += (type.byteCount + 63) / 64 * 64
    }
    let inner = try op.prepare(
      Preparation(inputs: types, outputs: [result], constants: constants, options: p.options))
    guard inner.kind == .kernel else {
      throw EngineError(.internalDefect, "a detour needs a kernel")
    }
    let target = end
    let finish = blocksResult && result.count > 0 ? layout.move(result.shape) : nil
    if finish != nil { end += (result.byteCount + 63) / 64 * 64 }
    let own = end
    let count = p.inputs.count
    return Prepared(scratchBytes: own + inner.scratchBytes, label: inner.label + " unblocked") {
      [moves, places] (m) throws(EngineError) in
      let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      for i in 0..<count {
        addresses[i] = m.inputs[i]
        if let move = moves[i] {
          addresses[i] = m.scratch + places[i]
          move.fromBlocked(
            m.input(i), into: addresses[i].assumingMemoryBound(to: Float.self), pool: m.pool)
        }
      }
      addresses[count] = finish == nil ? m.outputs[0] : m.scratch + target
      try inner.run(
        Memory(
          inputs: addresses, outputs: addresses + count, scratch: m.scratch + own, pool: m.pool))
      finish?.toBlocked(
        (m.scratch + target).assumingMemoryBound(to: Float.self), into: m.output(0), pool: m.pool)
    }
  }

  /// A convolution whose image is first multiplied by the factors of input 4, into scratch.
  static func scaling(_ op: BlockedConv, _ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    var types = p.inputs
    types[4] = nil
    let constants = (0..<min(4, p.constants.count)).map { $0 == 0 ? nil : p.constants[$0] }
    let inner = try op.prepare(
      Preparation(inputs: types, outputs: p.outputs, constants: constants, options: p.options))
    guard inner.kind == .kernel else {
      throw EngineError(.internalDefect, "a detour needs a kernel")
    }
    let count = p.inputs.count
    let table = (count * MemoryLayout<UnsafeMutableRawPointer>.stride + 63) / 64 * 64
    let own = table + (x.byteCount + 63) / 64 * 64
    let (planes, pixels, lanes) = (x.shape[0] * x.shape[1], x.shape[2] * x.shape[3], x.shape[4])
    return Prepared(scratchBytes: own + inner.scratchBytes, label: inner.label) {
      (m) throws(EngineError) in
      let addresses = m.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      for i in 0..<count { addresses[i] = m.inputs[i] }
      addresses[0] = m.scratch + table
      let to = addresses[0].assumingMemoryBound(to: Float.self)
      let (from, factors) = (m.input(0, Float.self), m.input(4, Float.self))
      for i in 0..<planes * pixels {
        for l in 0..<lanes {
          to[i * lanes + l] = from[i * lanes + l] * factors[i / pixels * lanes + l]
        }
      }
      try inner.run(
        Memory(inputs: addresses, outputs: m.outputs, scratch: m.scratch + own, pool: m.pool))
    }
  }
}
