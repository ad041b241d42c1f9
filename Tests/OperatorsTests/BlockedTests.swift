import Graphs
import Kernels
import Operators
import TestSupport
import Tensors
import Testing

/// Every operator on blocked images against the plain one between changes of layout.
@Suite struct BlockedTests {
  @Test(arguments: [(1, 16), (16, 16), (19, 16), (37, 8), (8, 8)])
  func blocksHoldTheirChannels(_ channels: Int, _ block: Int) throws {
    for pixels in [[1, 1], [3, 5], [16, 2], [33, 3]] {
      let x = try ProductVectors.wave([2, channels, pixels[0], pixels[1]])
      let y = try Eager().apply(ToBlocked(block: block), x)
      let blocks = (channels + block - 1) / block
      #expect(y.shape == [2, blocks, pixels[0], pixels[1], block])
      let (from, to) = (x.elements(Float.self), y.elements(Float.self))
      let count = pixels[0] * pixels[1]
      for n in 0..<2 {
        for c in 0..<blocks * block {
          for p in 0..<count {
            let got = to[((n * blocks + c / block) * count + p) * block + c % block]
            #expect(got == (c < channels ? from[(n * channels + c) * count + p] : 0))
          }
        }
      }
      let back = try Eager().apply(FromBlocked(channels: channels), y)
      #expect(haveSameBits(.tensor(back), .tensor(x)))
    }
  }

  @Test func symbolicSizesStay() throws {
    let (n, h, w) = (Dim(symbol: "n"), Dim(symbol: "h"), Dim(symbol: "w"))
    let blocked = try ToBlocked(block: 16).infer(
      Inference(inputs: [Fact(.float32, [n, 24, h, w])]))
    #expect(blocked[0].dims == [n, 2, h, w, 16])
    let conv = BlockedConv(Conv(window: Window(padsBegin: [1, 1], padsEnd: [1, 1])), block: 16)
    let y = try conv.infer(
      Inference(inputs: [blocked[0], Fact(.float32, [40, 24, 3, 3])]))
    #expect(y[0].dims == [n, 3, h, w, 16])
    let pooled = try BlockedMaxPool(Window(kernel: [2, 2], strides: [2, 2])).infer(
      Inference(inputs: y))
    #expect(pooled[0].dims?[1] == 3 && pooled[0].dims?[4] == 16)
    let mean = try BlockedGlobalAveragePool(channels: 40).infer(Inference(inputs: y))
    #expect(mean[0].dims == [n, 40, 1, 1])
    let plain = try FromBlocked(channels: 40).infer(Inference(inputs: y))
    #expect(plain[0].dims == [n, 40, h, w])
  }

  @Test func faultsHaveTheirCodes() {
    let conv = BlockedConv(Conv(), block: 16)
    #expect(ProductVectors.fault(conv, [1, 2, 5, 5, 16], [3, 40, 3, 3]) == .shape)
    #expect(ProductVectors.fault(conv, [1, 2, 5, 5, 8], [3, 32, 3, 3]) == .shape)
    #expect(ProductVectors.fault(conv, [1, 32, 5, 5], [3, 32, 3, 3]) == .shape)
    #expect(ProductVectors.fault(conv, [1, 2, 5, 5, 16], [3, 32, 3]) == .shape)
    #expect(ProductVectors.fault(conv, [1, 2, 5, 5, 16], [3, 32, 3, 3]) == nil)
    #expect(
      ProductVectors.fault(conv, [1, 2, 5, 5, 16], [3, 32, 3, 3], nil, [1, 2, 3, 3, 16]) == .shape)
    #expect(ProductVectors.fault(ToBlocked(block: 8), [1, 2, 3]) == .shape)
    #expect(ProductVectors.fault(FromBlocked(channels: 40), [1, 2, 5, 5, 16]) == .shape)
    #expect(ProductVectors.fault(BlockedMaxPool(Window(kernel: [2, 2])), [1, 2, 5, 5]) == .shape)
  }
}
