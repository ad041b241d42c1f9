import DLTrain

extension Workload {
  static let letters = 65

  private static func text(_ batch: Int, _ steps: Int) -> (Int) throws -> [Tensor] {
    { i in
      [
        try Draws.integers(key(i, 0), [batch, steps], letters),
        try Draws.integers(key(i, 1), [batch, steps], letters),
      ]
    }
  }

  /// Characters, embedded in 64 numbers, through 128 cells of long short-term memory.
  static func characters(batch: Int, steps: Int) -> Workload {
    Workload(
      make: {
        let net = Network()
        try net.uniform([letters, 64], 1)
        try net.weight([1, 512, 64], inputs: 128)
        try net.weight([1, 512, 128], inputs: 128)
        net.list.append(Parameter(try .zeros([1, 1024])))
        try net.dense(128, letters)
        return net
      },
      batch: text(batch, steps),
      loss: { net, data in
        let x = try net[0].gather(data[0])
        let y = try x.lstm(net[1], net[2], net[3]).steps.reshape([-1, 128])
        return try Loss.crossEntropy(y.linear(net[4], net[5]), data[1].reshape([-1]))
      })
  }

  /// nanoGPT's configuration for processors: 4 layers, 4 heads, 128 numbers, no bias, shared
  /// embedding.
  static func nanoGPT(batch: Int, steps: Int) -> Workload {
    let (layers, heads, width) = (4, 4, 128)
    return Workload(
      make: {
        let net = Network()
        try net.uniform([letters, width], 0.03)
        try net.uniform([steps, width], 0.03)
        for _ in 0..<layers {
          try net.ones(width)
          try net.uniform([width, 3 * width], 0.03)
          try net.uniform([width, width], 0.03)
          try net.ones(width)
          try net.uniform([width, 4 * width], 0.03)
          try net.uniform([4 * width, width], 0.03)
        }
        try net.ones(width)
        return net
      },
      batch: text(batch, steps),
      loss: { net, data in
        var x = try net[0].gather(data[0]) + net[1]
        for layer in 0..<layers {
          let i = 2 + 6 * layer
          let parts = try x.layerNorm(net[i]).matmul(net[i + 1]).split(into: 3, axis: 2).map {
            try $0.reshape(copying: [0, 0, heads, width / heads]).transpose([0, 2, 1, 3])
          }
          let seen = try parts[0].attention(keys: parts[1], values: parts[2], isCausal: true)
          let joined = try seen.transpose([0, 2, 1, 3]).reshape(copying: [0, 0, width])
          x = try x + joined.matmul(net[i + 2])
          let h = try x.layerNorm(net[i + 3]).matmul(net[i + 4]).gelu()
          x = try x + h.matmul(net[i + 5])
        }
        let logits = try x.layerNorm(net[2 + 6 * layers]).linear(net[0], transposed: true)
        return try Loss.crossEntropy(logits.reshape([-1, letters]), data[1].reshape([-1]))
      })
  }
}
