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

  /// Numbers of one convolution: groups, channels and outputs of all groups, kernel, stride.
  private static let convolutions: [(Int, Int, Int, Int, Int)] = [
    (1, 24, 40, 3, 1), (1, 16, 64, 1, 1), (1, 33, 16, 3, 2), (24, 24, 24, 3, 1), (24, 24, 24, 5, 2),
    (2, 32, 64, 3, 1), (8, 32, 32, 3, 1), (3, 9, 12, 3, 1), (1, 16, 16, 5, 3),
    (1, 40, 32, 3, 1), (2, 40, 30, 3, 1), (4, 68, 36, 1, 1),
  ]

  @Test(arguments: convolutions.indices) func convAgreesWithPlain(_ i: Int) throws {
    let (group, channels, outputs, k, stride) = Self.convolutions[i]
    let x = try ProductVectors.wave([2, channels, 15, 17])
    let w = try ProductVectors.wave([outputs, channels / group, k, k], 11)
    let b = try ProductVectors.wave([outputs], 5)
    let window = Window(
      strides: [stride, stride], padsBegin: [k / 2, k / 2], padsEnd: [k / 2, k / 2])
    let conv = Conv(window: window, group: group)
    let names: [(String, [Float])] = [
      ("", []), ("Relu", []), ("Clip", [0, 6]), ("HardSwish", []), ("Swish", [1]), ("Sigmoid", []),
      ("HardSigmoid", [0.2, 0.5]), ("LeakyRelu", [0.1]), ("Gelu", []), ("Tanh", []),
      ("ScaledTanh", [0.5, 2]),
    ]
    for (name, numbers) in names {
      let activation = try FusedActivation(name, numbers.map { Optional($0) })
      let bare = try Eager().apply(FusedConv(conv, activation), inputs: [x, w, b])
      let z = try ProductVectors.wave(bare.shape, 13)
      let want = try Eager().apply(FusedConv(conv, activation), inputs: [x, w, b, z])
      for block in [8, 16] {
        let to = ToBlocked(block: block)
        let isPlain = name == "Relu" && group == 1
        let op = BlockedConv(conv, activation, block: block, plainInput: isPlain)
        let inputs = [isPlain ? x : try Eager().apply(to, x), w, b, try Eager().apply(to, z)]
        for constants in [Set<Int>(), [1, 2]] {
          let one = try ProductVectors.run(op, inputs, constants: constants)
          let got = try Eager().apply(FromBlocked(channels: outputs), one)
          #expect(difference(got, want, rtol: 1e-4, atol: 1e-4) == nil, "\(name) \(block)")
          let many = try ProductVectors.run(op, inputs, constants: constants, threads: 3)
          #expect(haveSameBits(.tensor(one), .tensor(many)), "\(name) \(block)")
          let clean = try Eager().apply(to, got)
          #expect(haveSameBits(.tensor(one), .tensor(clean)), "\(name) \(block): lanes")
        }
      }
    }
  }

  @Test func poolsAgreeWithPlain() throws {
    var x = try ProductVectors.wave([2, 21, 13, 15])
    var numbers = Array(x.elements(Float.self))
    numbers[40] = .nan
    numbers[900] = .infinity
    x = try Tensor(shape: x.shape, numbers)
    let windows = [
      Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1]),
      Window(kernel: [2, 2], strides: [2, 2], ceilMode: true),
      Window(kernel: [3, 2], dilations: [2, 3], padsBegin: [2, 0], padsEnd: [1, 1]),
      Window(kernel: [3, 3], strides: [2, 2], autoPad: .sameUpper),
      Window(kernel: [2, 2], padsBegin: [4, 0], padsEnd: [0, 0]),
    ]
    for block in [8, 16] {
      let blocked = try Eager().apply(ToBlocked(block: block), x)
      func plain(_ op: some Operator) throws -> Tensor {
        try Eager().apply(FromBlocked(channels: 21), ProductVectors.run(op, [blocked], threads: 2))
      }
      for window in windows {
        let most = try Eager().apply(MaxPool(window), x)
        #expect(difference(try plain(BlockedMaxPool(window)), most, rtol: 0, atol: 0) == nil)
        for countsPads in [false, true] {
          let mean = try Eager().apply(AveragePool(window, countsPads: countsPads), x)
          let got = try plain(BlockedAveragePool(window, countsPads: countsPads))
          #expect(difference(got, mean, rtol: 1e-5, atol: 1e-6) == nil)
        }
      }
      let mean = try Eager().apply(GlobalAveragePool(), x)
      let got = try ProductVectors.run(BlockedGlobalAveragePool(channels: 21), [blocked])
      #expect(difference(got, mean, rtol: 1e-5, atol: 1e-6) == nil)
      let kept = try plain(BlockedGlobalAveragePool(channels: 21, keepsBlocks: true))
      #expect(difference(kept, mean, rtol: 1e-5, atol: 1e-6) == nil)
    }
  }

  @Test(arguments: [(21, 3), (21, 21), (40, 1), (16, 4)])
  func groupsAreNormalisedInBlocks(_ channels: Int, _ groups: Int) throws {
    let x = try ProductVectors.wave([2, channels, 11, 13])
    let gain = try Tensor((0..<channels).map { Float(($0 * 7) % 11) / 4 - 1 })
    let bias = try Tensor((0..<channels).map { Float(($0 * 5) % 13) / 8 })
    let plain = try Eager().apply(GroupNormalization(groups: groups), x, gain, bias)
    for block in [8, 16] {
      let blocked = try Eager().apply(ToBlocked(block: block), x)
      let op = BlockedGroupNormalization(channels: channels, groups: groups)
      let one = try ProductVectors.run(op, [blocked, gain, bias], threads: 1)
      let two = try ProductVectors.run(op, [blocked, gain, bias], threads: 2)
      #expect(haveSameBits(.tensor(one), .tensor(two)))
      let got = try Eager().apply(FromBlocked(channels: channels), one)
      #expect(difference(got, plain, rtol: 1e-5, atol: 2e-6) == nil)
      let again = try Eager().apply(ToBlocked(block: block), got)
      #expect(haveSameBits(.tensor(again), .tensor(one)), "lanes without a channel are 0")
    }
  }

  /// Windows so wide that their outer taps meet nothing but padding.
  @Test(arguments: [(4, 36), (4, 3), (5, 4), (2, 1)])
  func tapsOutsideTheImageAreLeftOut(_ size: Int, _ dilation: Int) throws {
    let x = try ProductVectors.wave([2, 24, size, size + 1])
    let w = try ProductVectors.wave([20, 24, 3, 3])
    let pad = [dilation, dilation]
    let window = Window(dilations: pad, padsBegin: pad, padsEnd: pad)
    let plain = try Eager().apply(Conv(window: window), x, w)
    for block in [8, 16] {
      let blocked = try Eager().apply(ToBlocked(block: block), x)
      let y = try ProductVectors.run(
        BlockedConv(Conv(window: window), block: block), [blocked, w], threads: 2)
      let got = try Eager().apply(FromBlocked(channels: 20), y)
      #expect(difference(got, plain, rtol: 1e-5, atol: 1e-5) == nil)
    }
  }
}
