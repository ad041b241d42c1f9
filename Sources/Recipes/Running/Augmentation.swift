import DataSets
import Layers
import Tensors

/// Moves and mirrors images `[N, C, H, W]` at random, with zeros, the mean, where nothing was.
struct Augmentation: Sendable {
  let shift: Int
  let flips: Bool
  let seed: UInt64

  /// What is drawn depends on the seed and the sample's own pixels' place in the batch and epoch,
  /// through `salt`.
  func callAsFunction(_ x: Tensor, salt: UInt64) throws(EngineError) -> Tensor {
    guard x.shape.rank == 4, x.dtype == .float32, shift > 0 || flips else { return x }
    let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    var state = seed ^ salt
    func draw(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    var moves: [(y: Int, x: Int, flip: Bool)] = []
    for _ in 0..<n {
      moves.append(
        (draw(2 * shift + 1) - shift, draw(2 * shift + 1) - shift, flips && draw(2) == 1))
    }
    let from = x.elements(Float.self)
    var made = [Float](repeating: 0, count: x.count)
    for i in 0..<n {
      let m = moves[i]
      for k in 0..<c {
        let plane = (i * c + k) * h * w
        for r in 0..<h where r + m.y >= 0 && r + m.y < h {
          for q in 0..<w {
            let column = (m.flip ? w - 1 - q : q) + m.x
            if column >= 0, column < w {
              made[plane + r * w + q] = from[plane + (r + m.y) * w + column]
            }
          }
        }
      }
    }
    return try Tensor(shape: x.shape, made)
  }
}
