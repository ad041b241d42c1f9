import Kernels
import Tensors

/// Places of 64-bit keys, by open addressing. Read in runs without retain counts or allocation.
final class IntegerKeys: @unchecked Sendable {
  private let keys: UnsafeMutablePointer<Int64>
  /// -1 where a slot is free.
  private let places: UnsafeMutablePointer<Int>
  private let mask: Int
  private let shift: Int

  /// Of equal keys the last counts.
  init(_ list: [Int64]) {
    var bits = 3
    while (1 << bits) < list.count * 2 { bits += 1 }
    let size = 1 << bits
    mask = size - 1
    shift = 64 - bits
    keys = .allocate(capacity: size)
    places = .allocate(capacity: size)
    keys.initialize(repeating: 0, count: size)
    places.initialize(repeating: -1, count: size)
    for (i, key) in list.enumerated() {
      let slot = slot(key)
      keys[slot] = key
      places[slot] = i
    }
  }
  deinit {
    keys.deallocate()
    places.deallocate()
  }

  @inline(__always) private func slot(_ key: Int64) -> Int {
    let hash = UInt64(bitPattern: key) &* 0x9E37_79B9_7F4A_7C15
    var i = Int(truncatingIfNeeded: hash >> UInt64(shift))
    while places[i] >= 0 && keys[i] != key { i = (i &+ 1) & mask }
    return i
  }

  /// The place of `key`, or -1.
  @inline(__always) func place(_ key: Int64) -> Int { places[slot(key)] }

  /// Floats as keys: all NaN are one, and so are both zeros.
  @inline(__always) static func key(_ v: Double) -> Int64 {
    v.isNaN ? .min : Int64(bitPattern: (v + 0).bitPattern)
  }

  /// Element `i` of `memory` as a key. For float32, float64, int16, int32 and int64.
  @inline(__always) static func load(
    _ memory: UnsafeRawPointer, _ i: Int, _ dtype: DType
  ) -> Int64 {
    switch dtype {
    case .float32: key(Double(memory.assumingMemoryBound(to: Float.self)[i]))
    case .float64: key(memory.assumingMemoryBound(to: Double.self)[i])
    case .int16: Int64(memory.assumingMemoryBound(to: Int16.self)[i])
    case .int32: Int64(memory.assumingMemoryBound(to: Int32.self)[i])
    default: memory.assumingMemoryBound(to: Int64.self)[i]
    }
  }
}
