import DLTrain

extension Workload {
  /// Dense layers with rectifiers between them.
  static func perceptron(_ sizes: [Int], batch: Int) -> Workload {
    Workload(
      make: {
        let net = Network()
        for i in 1..<sizes.count { try net.dense(sizes[i - 1], sizes[i]) }
        return net
      },
      batch: { i in
        [
          try Draws.uniform(key(i, 0), [batch, sizes[0]]),
          try Draws.integers(key(i, 1), [batch], sizes[sizes.count - 1]),
        ]
      },
      loss: { net, data in
        var x = data[0]
        for i in 1..<sizes.count {
          x = try x.linear(net[2 * i - 2], net[2 * i - 1])
          if i < sizes.count - 1 { x = try x.relu() }
        }
        return try Loss.crossEntropy(x, data[1])
      })
  }
}
