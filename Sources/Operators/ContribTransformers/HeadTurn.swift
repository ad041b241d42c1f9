import Graphs
import Kernels
import Tensors

/// Heads brought to unit mean square and turned by their positions, as GroupQueryAttention asks.
struct HeadTurn: Sendable {
  private let batch: Int
  private let length: Int
  private let heads: Int
  private let size: Int
  private let layout: AttentionKernel.Layout
  private let rotary: RotaryKernel?
  private let epsilon: Float?
  /// Rows of the rotary caches.
  let rows: Int

  /// - `turned`: elements of a head that turn; nil for none.
  /// - `epsilon`: that of the norm; nil for no norm.
  init(
    batch: Int, length: Int, heads: Int, size: Int, layout: AttentionKernel.Layout, turned: Int?,
    rows: Int, isInterleaved: Bool, epsilon: Float?
  ) {
    self.batch = batch
    self.length = length
    self.heads = heads
    self.size = size
    self.layout = layout
    self.rows = rows
    self.epsilon = epsilon
    rotary = turned.map {
      RotaryKernel(
        batch: batch, length: length, heads: heads, size: size, turned: $0,
        isInterleaved: isInterleaved, layout: layout)
    }
  }

  /// The rows of the caches, inputs 7 and 8, and how many elements of a head they turn.
  ///
  /// Errors: `.shape` where they do not fit each other or the heads.
  static func checkCaches(
    _ p: Preparation, _ isRotary: Bool, size: Int
  ) throws(EngineError) -> (rows: Int, turned: Int) {
    guard isRotary else { return (0, 0) }
    let (cos, sin) = (try p.input(7).shape, try p.input(8).shape)
    guard cos.rank == 2, cos == sin, 2 * cos[1] <= size else {
      throw EngineError(
        .shape, "the rotary caches do not fit", expected: "two of one shape [M, up to \(size / 2)]",
        received: "\(cos) and \(sin)")
    }
    return (cos[0], 2 * cos[1])
  }

  func run(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, gainInput: Int,
    positions: UnsafePointer<Int64>, _ m: Memory
  ) throws(EngineError) {
    var from = UnsafeRawPointer(x)
    if let epsilon {
      let gain = m.input(gainInput, Float.self)
      m.pool.run(batch * length) { i in
        for h in 0..<heads {
          let at = i / length * layout.batch + i % length * layout.row + h * layout.head
          let square = Float.sumOfSquares(x + at, size) / Float(size)
          Float.affineEach(
            x + at, size, shift: 0, scale: 1 / (square + epsilon).squareRoot(), gain: gain,
            bias: nil, into: y + at)
        }
      }
      from = UnsafeRawPointer(y)
    }
    try rotary?.run(
      .float32, from, cos: m.inputs[7], sin: m.inputs[8], positions: positions, rows: rows,
      into: y, pool: m.pool)
  }
}
