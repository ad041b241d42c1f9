import CKernels

/// The resampling of rows whose elements lie side by side, 16 results at a time, all of which read
/// elements of one stretch of 32, or 64: neighbours are picked from two or four registers. The bits are those of the
/// sums one by one.
final class ResampleRows: @unchecked Sendable {
  private let from: Int
  private let to: Int
  private let taps: Int
  private let isWide: Bool
  private let starts: [Int32]
  private let indices: [Int32]
  private let weights: [Float]

  /// Nil where 16 neighbouring results read elements too far apart, or without AVX-512.
  init?(_ a: AxisResampling, from: Int) {
    guard InstructionSet.current >= .avx512, a.size > 0, a.taps > 0 else { return nil }
    let groups = (a.size + 15) / 16
    var starts: [Int32] = []
    var reach: Int32 = 0
    var indices = [Int32](repeating: 0, count: groups * a.taps * 16)
    var weights = [Float](repeating: 0, count: groups * a.taps * 16)
    for group in 0..<groups {
      let (first, last) = (group * 16, min(a.size, group * 16 + 16))
      let places = a.indices[first * a.taps..<last * a.taps]
      guard let low = places.min(), let high = places.max(), high - low < 64 else { return nil }
      reach = max(reach, high - low)
      starts.append(low)
      for j in first..<last {
        for k in 0..<a.taps {
          let at = (group * a.taps + k) * 16 + j - first
          indices[at] = a.indices[j * a.taps + k] - low
          weights[at] = Float(a.weights[j * a.taps + k])
        }
      }
    }
    (self.from, to, taps) = (from, a.size, a.taps)
    isWide = reach >= 32
    (self.starts, self.indices, self.weights) = (starts, indices, weights)
  }

  func run(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, rows: Int) {
    #if arch(x86_64)
      dl_resample_rows_f32__avx512(
        y, x, Int64(rows), Int64(from), Int64(to), Int64(taps), isWide ? 1 : 0, starts,
        indices, weights)
    #endif
  }
}
