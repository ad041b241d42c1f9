import Kernels
import Testing

/// Numbers for the tests of forms that training takes, in memory with guard pages.
struct TrainingNumbers {
  let memory: GuardedMemory
  let count: Int
  var floats: UnsafeMutablePointer<Float> { memory.start.assumingMemoryBound(to: Float.self) }
  var values: [Float] { Array(UnsafeBufferPointer(start: floats, count: count)) }

  /// Draws between -1 and 1 that depend on `seed`.
  init(_ count: Int, seed: UInt64 = 1) throws {
    self.count = count
    memory = try #require(GuardedMemory(bytes: count * 4))
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    for i in 0..<count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      floats[i] = Float(state >> 40) / Float(1 << 23) - 1
    }
  }
}

/// The largest difference over the largest element; infinite for NaN.
func relativeError(_ got: [Float], _ want: [Double]) -> Double {
  var (worst, top) = (0.0, 1e-30)
  for (a, b) in zip(got, want) {
    let d = abs(Double(a) - b)
    if !(d <= worst) { worst = d.isNaN ? .infinity : d }
    top = max(top, abs(b))
  }
  return got.count == want.count ? worst / top : .infinity
}
