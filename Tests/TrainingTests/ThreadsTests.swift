import Tensors
import Testing
import Training

private final class Wide: Module {
  let first: Parameter
  let offset: Parameter
  let second: Parameter
  init() throws {
    (first, offset, second) = try withSeed(11) {
      (
        Parameter(try .heNormal([64, 300])), Parameter(try .zeros([300])),
        Parameter(try .heNormal([300, 10]))
      )
    }
  }
}

/// The same seed gives the same weights, bit for bit, for any number of threads.
@Suite struct ThreadsTests {
  private func train(_ threads: Int, _ rule: OptimizerRule) throws -> [[UInt8]] {
    try withThreads(threads) {
      try withSeed(5) {
        let net = try Wide()
        let optimizer = try Optimizer(net, rule)
        for _ in 0..<10 {
          let (x, y) = (
            try Tensor.normal([150, 64]), try Tensor.randomIntegers([150], from: 0, to: 10)
          )
          let (_, g) = try valueAndGradient(of: net) { net in
            let h = try x.linear(net.first.value, net.offset.value).gelu().dropout(0.2)
            return try Loss.crossEntropy(h.matmul(net.second.value), y)
          }
          try optimizer.update(g.clipped(globalNorm: 0.5))
        }
        return net.parameters.map { Array($0.value.rawBytes) }
      }
    }
  }

  @Test(arguments: [OptimizerRule.keras.adamW(), .torch.sgd(momentum: 0.9), .keras.lamb()])
  func bitsAgree(rule: OptimizerRule) throws {
    let one = try train(1, rule)
    for threads in [1, 2, 3, 4] { #expect(try train(threads, rule) == one) }
  }

  @Test func mistakes() {
    #expect(throws: EngineError.self) { try withThreads(0) {} }
  }
}
