import CKernels
import Tensors

/// Squared Euclidean distances of rows from fixed vectors: `out[i, j] = sum_f (x[i, f] - v[j, f])^2`.
///
/// Differences are squared as they are, so near neighbours lose no places. Float32, sums in the
/// order of the features.
public final class SquaredDistances: Sendable {
  public let vectors: Int
  public let features: Int
  /// Panels of 32 vectors, feature by feature, the last one padded with zeros.
  private let memory: AlignedMemory
  private let lanes: LaneSet

  static let width = 32

  // C functions as such: those that Swift takes for closures are wrapped anew, on the heap, whenever
  // they are read from a list.
  private typealias Kernel =
    @convention(c) (
      Int, Int, Int, UnsafePointer<Float>?, Int, UnsafePointer<Float>?,
      UnsafeMutablePointer<Float>?, Int
    ) -> Void
  private static let kernels: [Kernel] = [
    dl_distances_f32_4x32__scalar, dl_distances_f32_4x32__avx2, dl_distances_f32_4x32__avx512,
  ]

  /// Packs `vectors` rows of `features` elements.
  ///
  /// Errors: `.budget` when the system has no memory.
  public init(
    _ values: [Float], vectors: Int, features: Int, lanes: LaneSet = .best
  ) throws(EngineError) {
    precondition(values.count >= vectors * features, "\(values.count) for \(vectors) vectors")
    self.vectors = vectors
    self.features = features
    self.lanes = lanes
    let width = SquaredDistances.width
    let panels = (vectors + width - 1) / width
    memory = try AlignedMemory(byteCount: panels * width * features * 4)
    let to = memory.bytes.assumingMemoryBound(to: Float.self)
    for p in 0..<panels {
      for f in 0..<features {
        for j in 0..<width {
          let v = p * width + j
          to[(p * features + f) * width + j] = v < vectors ? values[v * features + f] : 0
        }
      }
    }
  }

  /// Distances of `rows` rows of `features` elements, written densely.
  public func run(
    rows: Int, _ x: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>
  ) {
    guard rows > 0 else { return }
    let width = SquaredDistances.width
    let kernel = SquaredDistances.kernels[Int(lanes.rawValue)]
    let packed = memory.bytes.assumingMemoryBound(to: Float.self)
    var at = 0
    while at < vectors {
      kernel(
        rows, min(width, vectors - at), features, x, features, packed + at * features, out + at,
        vectors)
      at += width
    }
  }
}
