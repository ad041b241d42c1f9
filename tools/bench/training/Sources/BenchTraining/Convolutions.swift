import DLTrain

extension Workload {
  private static func images(
    _ batch: Int, _ sizes: [Int]
  ) -> (Int) throws -> [Tensor] {
    { i in
      [
        try Draws.uniform(key(i, 0), [batch] + sizes), try Draws.integers(key(i, 1), [batch], 10),
      ]
    }
  }

  /// LeCun et al. 1998, with rectifiers and the largest of each window.
  static func lenet5(batch: Int) -> Workload {
    Workload(
      make: {
        let net = Network()
        try net.conv(1, 6, 5)
        try net.conv(6, 16, 5)
        try net.dense(400, 120)
        try net.dense(120, 84)
        try net.dense(84, 10)
        return net
      },
      batch: images(batch, [1, 28, 28]),
      loss: { net, data in
        var x = try data[0].conv(net[0], net[1], pads: [2, 2]).relu().maxPool([2, 2])
        x = try x.conv(net[2], net[3]).relu().maxPool([2, 2]).reshape([-1, 400])
        x = try x.linear(net[4], net[5]).relu().linear(net[6], net[7]).relu()
        return try Loss.crossEntropy(x.linear(net[8], net[9]), data[1])
      })
  }

  /// Keras' example `mnist_convnet`, without dropout, so that losses can be compared.
  static func convnet(batch: Int) -> Workload {
    Workload(
      make: {
        let net = Network()
        try net.conv(1, 32, 3)
        try net.conv(32, 64, 3)
        try net.dense(1600, 10)
        return net
      },
      batch: images(batch, [1, 28, 28]),
      loss: { net, data in
        var x = try data[0].conv(net[0], net[1]).relu().maxPool([2, 2])
        x = try x.conv(net[2], net[3]).relu().maxPool([2, 2]).reshape([-1, 1600])
        return try Loss.crossEntropy(x.linear(net[4], net[5]), data[1])
      })
  }

  /// He et al. 2015 for CIFAR: three stages of three blocks, projections by 1x1 convolutions.
  static func resnet20(batch: Int) -> Workload {
    Workload(
      make: {
        let net = Network()
        try net.conv(3, 16, 3, normed: true)
        var channels = 16
        for width in [16, 32, 64] {
          for _ in 0..<3 {
            try net.conv(channels, width, 3, normed: true)
            try net.conv(width, width, 3, normed: true)
            if channels != width { try net.conv(channels, width, 1, normed: true) }
            channels = width
          }
        }
        try net.dense(64, 10)
        return net
      },
      batch: images(batch, [3, 32, 32]),
      loss: { net, data in
        var next = 0
        func normed(_ x: Tensor, stride: Int, pad: Int) throws -> Tensor {
          let (i, mean, variance) = (
            3 * next, net.running[2 * next], net.running[2 * next + 1]
          )
          next += 1
          let y = try x.conv(net[i], strides: [stride, stride], pads: [pad, pad]).batchNorm(
            net[i + 1], net[i + 2], mean: mean.value, variance: variance.value)
          (mean.value, variance.value) = (y.mean, y.variance)
          return y.output
        }
        var x = try normed(data[0], stride: 1, pad: 1).relu()
        for stage in 0..<3 {
          for block in 0..<3 {
            let stride = stage > 0 && block == 0 ? 2 : 1
            var y = try normed(x, stride: stride, pad: 1).relu()
            y = try normed(y, stride: 1, pad: 1)
            let short = stride == 1 ? x : try normed(x, stride: stride, pad: 0)
            x = try (y + short).relu()
          }
        }
        x = try x.globalAveragePool().reshape([-1, 64])
        let n = 3 * next
        return try Loss.crossEntropy(x.linear(net[n], net[n + 1]), data[1])
      })
  }
}
