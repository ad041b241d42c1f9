import CKernels
import Tensors

/// How the tiles of a chain lie in its output, and where its inputs are read for each.
struct ChainLayout {
  /// Merged axes, at least two; the last two are cut into tiles.
  private(set) var sizes: [Int] = []
  /// For each input, elements from one place of the output to the next along each axis.
  private(set) var strides: [[Int]] = []
  private(set) var rows = 1
  private(set) var columns = 1
  let count: Int

  /// Errors: `.shape` where an input does not broadcast to the output.
  init(output: Shape, inputs: [Shape]) throws(EngineError) {
    count = output.count
    var running = [Int](repeating: 1, count: inputs.count)
    // From the last axis to the first, those along which every input moves alike as one.
    for back in 0..<output.rank {
      let size = output[output.rank - 1 - back]
      var step = [Int](repeating: 0, count: inputs.count)
      for (k, shape) in inputs.enumerated() where back < shape.rank {
        let own = shape[shape.rank - 1 - back]
        guard own == size || own == 1 else { throw Self.misfit(k, output, shape) }
        if own == 1 { continue }
        step[k] = running[k]
        running[k] *= own
      }
      if size == 1 { continue }
      if let last = sizes.last,
        inputs.indices.allSatisfy({ step[$0] == strides[$0][sizes.count - 1] * last })
      {
        sizes[sizes.count - 1] *= size
        continue
      }
      sizes.append(size)
      if strides.isEmpty { strides = [[Int]](repeating: [], count: inputs.count) }
      for k in inputs.indices { strides[k].append(step[k]) }
    }
    for (k, shape) in inputs.enumerated() where shape.rank > output.rank {
      throw Self.misfit(k, output, shape)
    }
    if strides.isEmpty { strides = [[Int]](repeating: [], count: inputs.count) }
    while sizes.count < 2 {
      sizes.append(1)
      for k in inputs.indices { strides[k].append(0) }
    }
    sizes.reverse()
    for k in inputs.indices { strides[k].reverse() }
    let tile = Int(DL_CHAIN_TILE)
    let (height, width) = (sizes[sizes.count - 2], sizes[sizes.count - 1])
    columns = max(1, min(width, tile))
    rows = max(1, min(height, tile / columns))
  }

  private static func misfit(_ k: Int, _ output: Shape, _ input: Shape) -> EngineError {
    EngineError(
      .shape, "input \(k) does not broadcast to the result", expected: "\(output)",
      received: "\(input)")
  }

  /// Whether input `k` has an element for each of the output, in its order.
  func isSame(_ k: Int) -> Bool {
    var step = 1
    for i in sizes.indices.reversed() where sizes[i] != 1 {
      if strides[k][i] != step { return false }
      step *= sizes[i]
    }
    return true
  }

  /// Whether input `k` is read where it is: one element or a stretch of them for each tile.
  func isPlain(_ k: Int) -> Bool {
    rows == 1 || strides[k].suffix(2).allSatisfy { $0 == 0 }
  }

  /// Elements from one place of a tile's row to the next.
  func along(_ k: Int) -> Int { strides[k][sizes.count - 1] }
}
