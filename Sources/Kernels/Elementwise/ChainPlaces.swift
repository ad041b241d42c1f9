import CKernels
import Tensors

/// Where the values of a chain lie among its tiles: two share a place where one is no longer used
/// when the other is made.
struct ChainPlaces {
  /// Bytes from the first tile, for each value; 0 for those that lie elsewhere.
  private(set) var offsets: [Int]
  private var free: [(offset: Int, bytes: Int)] = []
  private var end = 0

  /// Nil where tiles would take more than the kernel has.
  init?(
    _ program: ChainProgram, _ steps: [ChainStep], types: [DType], results: [Int], spread: [Int]
  ) {
    offsets = [Int](repeating: 0, count: types.count)
    for v in spread { offsets[v] = place(types[v]) }
    let inputs = types.count - steps.count
    // The piece that makes each step's result, and the last that uses it.
    var maker: [Int] = []
    for (p, piece) in program.pieces.enumerated() {
      switch piece {
      case .step: maker.append(p)
      case .program:
        let next = program.pieces.dropFirst(p + 1).lazy.compactMap { piece -> Int? in
          if case .step(let i) = piece { i } else { nil }
        }.first
        while maker.count < next ?? steps.count { maker.append(p) }
      }
    }
    var last = maker
    for (i, step) in steps.enumerated() {
      for v in step.operands where v >= inputs {
        last[v - inputs] = max(last[v - inputs], maker[i])
      }
    }
    let kept = Set(results)
    for p in program.pieces.indices {
      let own = steps.indices.filter {
        maker[$0] == p && program.isStored[$0] && !kept.contains(inputs + $0)
      }
      for i in own { offsets[inputs + i] = place(types[inputs + i]) }
      for i in steps.indices where maker[i] <= p && last[i] == p {
        guard program.isStored[i], !kept.contains(inputs + i) else { continue }
        free.append((offsets[inputs + i], ChainPlaces.bytes(types[inputs + i])))
      }
    }
    if end > Int(DL_CHAIN_BYTES) { return nil }
  }

  private static func bytes(_ dtype: DType) -> Int {
    (Int(DL_CHAIN_TILE) * dtype.byteSize + 63) & ~63
  }

  private mutating func place(_ dtype: DType) -> Int {
    let bytes = ChainPlaces.bytes(dtype)
    if let i = free.firstIndex(where: { $0.bytes == bytes }) {
      return free.remove(at: i).offset
    }
    end += bytes
    return end - bytes
  }
}
