import Tensors
import Testing

@testable import Quantization

@Suite struct HistogramTests {
  private func numbers(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24) * 2 - 1
    }
  }

  @Test func wideningLosesNothing() throws {
    var h = Histogram()
    var all: [Float] = []
    for scale in [0.001, 1, 0.5, 300, 20] as [Float] {
      let part = numbers(500, seed: UInt64(scale * 1000) + 1).map { $0 * scale }
      all += part
      h.add(try Tensor(part))
    }
    #expect(h.total == all.count && h.oddities == 0)
    #expect(h.minimum == all.min() && h.maximum == all.max())
    #expect(h.counts.count <= Histogram.maxBins)
    // Every bin holds what lies between its edges.
    var wanted = [Int](repeating: 0, count: h.counts.count)
    for x in all { wanted[Int((Double(x) / h.width).rounded(.down)) - h.first] += 1 }
    #expect(h.counts == wanted)
  }

  @Test func oneBatchOrManyIsTheSame() throws {
    let all = numbers(4096).enumerated().map { $1 * Float($0 % 64) }
    var whole = Histogram()
    whole.add(try Tensor(all))
    var parts = Histogram()
    for i in stride(from: 0, to: all.count, by: 256) {
      parts.add(try Tensor(Array(all[i..<i + 256])))
    }
    #expect(whole.total == parts.total && whole.maximum == parts.maximum)
    // The widths may differ by whole doublings, the range chosen hardly.
    let (a, b) = (whole.percentileRange(99), parts.percentileRange(99))
    let step = Float(max(whole.width, parts.width))
    #expect(abs(a.lowerBound - b.lowerBound) <= step && abs(a.upperBound - b.upperBound) <= step)
  }

  @Test func zerosAndOdditiesAreApart() throws {
    var h = Histogram()
    #expect(h.add(try Tensor([0, 0, -0.0] as [Float])) != nil)
    #expect(h.width == 0 && h.zeros == 3)
    #expect(h.add(try Tensor([.nan, .infinity] as [Float])) == nil)
    h.add(try Tensor([1, 0, .nan, -.infinity] as [Float]))
    #expect(h.zeros == 4 && h.oddities == 4 && h.total == 5)
    #expect(h.minimum == 0 && h.maximum == 1)
  }

  @Test(arguments: [Float.leastNonzeroMagnitude, 1e-30, 3e38]) func extremesFit(_ x: Float) throws {
    var h = Histogram()
    h.add(try Tensor([x, -x, x / 2]))
    #expect(h.total == 3 && h.oddities == 0)
    #expect(h.minimum == -x && h.maximum == x)
  }

  @Test func percentileCutsTails() throws {
    var h = Histogram()
    h.add(try Tensor((0..<10000).map { Float($0) / 10000 + 0.00005 } + [1000]))
    let range = h.percentileRange(99)
    #expect(range.lowerBound == 0)
    #expect(abs(range.upperBound - 0.99) < 0.6)
    #expect(h.percentileRange(100).upperBound == 1000)
    var both = Histogram()
    both.add(try Tensor((0..<10000).map { Float($0) / 5000 - 1 }))
    let cut = both.percentileRange(90)
    #expect(abs(cut.lowerBound + 0.9) < 0.01 && abs(cut.upperBound - 0.9) < 0.01)
  }

  @Test func leastErrorClipsWhatIsRare() throws {
    // A hundred thousand numbers of magnitude 1 and one of 10: clipping it is the lesser evil.
    var h = Histogram()
    h.add(try Tensor(numbers(100_000) + [10]))
    let range = h.leastErrorRange(symmetric: false)
    #expect(range.upperBound < 10 && range.upperBound > 0.9 && range.lowerBound <= -0.9)
    // Without it everything stays.
    var plain = Histogram()
    plain.add(try Tensor(numbers(100_000)))
    #expect(plain.leastErrorRange(symmetric: false).upperBound > 0.95)
    #expect(plain.leastErrorRange(symmetric: true).upperBound > 0.95)
  }

  @Test func entropyKeepsTheBulk() throws {
    var h = Histogram()
    // Sums of four: nearly normal, deviation 1.15.
    let parts = numbers(400_000)
    let normal = (0..<100_000).map { i in parts[i * 4..<i * 4 + 4].reduce(0, +) }
    h.add(try Tensor(normal + [40]))
    let range = h.entropyRange()
    #expect(range.upperBound > 2 && range.upperBound < 20)
    #expect(range.lowerBound < -2)
  }

  @Test func averageFollowsBatches() throws {
    var o = Observation()
    for k in 1...4 { o.add(try Tensor([Float(-k), Float(2 * k)])) }
    var options = QuantizationOptions(mode: .static)
    options.method = .average
    let range = o.range(options)
    #expect(abs(range.lowerBound + 2.5) < 1e-5 && abs(range.upperBound - 5) < 1e-5)
    options.method = .minmax
    #expect(o.range(options) == -4...8)
  }

  @Test func rangesHoldZero() {
    let p = QuantParameters(0...5.1, symmetric: false)
    #expect(p.zero == 0 && p.clipsNegatives && abs(p.scale - 0.02) < 1e-6)
    #expect(QuantParameters(-1...1, symmetric: true).zero == 0)
    #expect(QuantParameters(0...0, symmetric: false).scale == 1)
    #expect(QuantParameters(-2.55...0, symmetric: false).zero == 255)
  }
}
