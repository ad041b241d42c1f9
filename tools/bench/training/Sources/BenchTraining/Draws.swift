import DLTrain

/// Numbers that all engines of the benchmark make for themselves, the same bits in each: those of
/// `tools/peers-training/draws.py`.
enum Draws {
  /// Element `i` of stream `key`: splitmix64 of both.
  static func bits(_ key: Int, _ i: Int) -> UInt64 {
    var z = (UInt64(key) << 32 &+ UInt64(i)) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in `-bound..<bound`.
  static func uniform(_ key: Int, _ sizes: [Int], _ bound: Double = 1) throws -> Tensor {
    let scale = Float(bound)
    let values = (0..<sizes.reduce(1, *)).map { i in
      (Float(bits(key, i) >> 40) / Float(1 << 24) * 2 - 1) * scale
    }
    return try Tensor(values).reshape(sizes)
  }

  /// Uniform in `0..<limit`.
  static func integers(_ key: Int, _ sizes: [Int], _ limit: Int) throws -> Tensor {
    let values = (0..<sizes.reduce(1, *)).map { Int64(bits(key, $0) >> 33) % Int64(limit) }
    return try Tensor(values).reshape(sizes)
  }
}
