import Formats
import Foundation
import Glibc
import Tensors
import Testing
import Training

/// Losses and their gradients, against PyTorch's.
@Suite struct LossTests {
  private struct Data {
    let p: Tensor
    let q: Tensor
    let t: Tensor
    let d: Tensor
    let classes: Tensor
    let signs: Tensor

    init(_ p: Tensor) throws {
      self.p = p
      t = try Tensor(shape: [4, 3], (0..<12).map { Glibc.cos(0.9 * Double($0)) })
      q = try p.softmax()
      d = try t.softmax()
      classes = try Tensor([2, 0, 1, 1] as [Int64])
      signs = try t.sign()
    }
  }

  private static let losses: [String: @Sendable (Data) throws -> Tensor] = [
    "meanSquared": { try Loss.meanSquared($0.p, $0.t) },
    "meanAbsolute": { try Loss.meanAbsolute($0.p, $0.t) },
    "meanAbsolutePercentage": { try Loss.meanAbsolutePercentage($0.p, $0.t) },
    "meanSquaredLogarithmic": { try Loss.meanSquaredLogarithmic($0.q, $0.d) },
    "huber": { try Loss.huber($0.p, $0.t, delta: 0.5) },
    "smoothL1": { try Loss.smoothL1($0.p, $0.t, beta: 0.7) },
    "logCosh": { try Loss.logCosh($0.p, $0.t) },
    "poisson": { try Loss.poisson($0.q, $0.d) },
    "poissonFromLog": { try Loss.poissonFromLog($0.p, $0.d) },
    "binaryCrossEntropy": { try Loss.binaryCrossEntropy($0.q, $0.d) },
    "binaryCrossEntropyFromLogits": { try Loss.binaryCrossEntropyFromLogits($0.p, $0.d) },
    "binaryFocalFromLogits": { try Loss.binaryFocalFromLogits($0.p, $0.d) },
    "hinge": { try Loss.hinge($0.p, $0.signs) },
    "squaredHinge": { try Loss.squaredHinge($0.p, $0.signs) },
    "softMargin": { try Loss.softMargin($0.p, $0.signs) },
    "crossEntropy": { try Loss.crossEntropy($0.p, $0.classes) },
    "crossEntropy weighed": {
      try Loss.crossEntropy($0.p, $0.classes, weights: Tensor([0.5, 1, 2] as [Double]))
    },
    "crossEntropy ignoring": { try Loss.crossEntropy($0.p, $0.classes, ignoring: 1) },
    "crossEntropy sum": { try Loss.crossEntropy($0.p, $0.classes, reduction: .sum) },
    "categoricalCrossEntropyFromLogits": {
      try Loss.categoricalCrossEntropyFromLogits($0.p, $0.d)
    },
    "categoricalCrossEntropyFromLogits smoothed": {
      try Loss.categoricalCrossEntropyFromLogits($0.p, $0.d, smoothing: 0.1)
    },
    "categoricalCrossEntropy": { try Loss.categoricalCrossEntropy($0.q, $0.d) },
    "kullbackLeibler": { try Loss.kullbackLeibler($0.q, $0.d) },
    "cosineSimilarity": { try Loss.cosineSimilarity($0.p, $0.t) },
    "categoricalHinge": { try Loss.categoricalHinge($0.p, $0.d) },
    "dice": { try Loss.dice($0.q, $0.d) },
    "tversky": { try Loss.tversky($0.q, $0.d, alpha: 0.3, beta: 0.7) },
    "gaussian": { try Loss.gaussian($0.p, $0.t, variance: $0.t.absolute() + 0.1) },
    "triplet": {
      try Loss.triplet(anchor: $0.p, positive: $0.t, negative: $0.t.flipped([0]))
    },
    "marginRanking": {
      try Loss.marginRanking($0.p, $0.t.flipped([1]), $0.signs, margin: 0.2)
    },
  ]

  private func number(_ v: JSONValue?) -> Double? {
    if case .double(let d)? = v { d } else { v?.asInt.map { Double($0) } }
  }

  @Test func agreeWithTorch() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Fixtures/losses.json")
    let json = try JSONParser.parse([UInt8](Foundation.Data(contentsOf: file)))
    let cases = try #require(json.asObject?["cases"]?.asObject)
    #expect(Set(cases.keys) == Set(Self.losses.keys))
    let x = try Tensor(shape: [4, 3], (0..<12).map { Glibc.sin(1.3 * Double($0) + 0.4) })
    for name in cases.keys {
      let loss = try #require(Self.losses[name])
      let (value, g) = try valueAndGradient(at: x) { try loss(Data($0)) }
      let c = try #require(cases[name]?.asObject)
      let wanted = try #require(number(c["value"]))
      #expect(abs(try value.scalar() - wanted) <= 2e-7 * max(1, abs(wanted)), "\(name)")
      let slopes = try #require(c["gradient"]?.asArray).compactMap { number($0) }
      for (a, b) in zip(try g.numbers(), slopes) {
        #expect(abs(a - b) <= 1e-6 * max(1, abs(b)), "gradient of \(name)")
      }
    }
  }

  @Test func mistakes() throws {
    let p = try Tensor.zeros([4, 3])
    func code(_ body: () throws -> Tensor) -> EngineError? {
      do { _ = try body() } catch { return error as? EngineError }
      return nil
    }
    let shape = code { try Loss.meanSquared(p, Tensor.zeros([4])) }
    #expect(shape?.code == .shape)
    #expect(shape?.message.contains("float32[4, 3], float32[4]") == true)
    #expect(shape?.subject.line != nil)
    #expect(code { try Loss.huber(p, Tensor.zeros([4, 3], dtype: .float64)) }?.code == .dtype)
    #expect(code { try Loss.crossEntropy(p, Tensor.zeros([4])) }?.code == .dtype)
    let label = code { try Loss.crossEntropy(p, Tensor([0, 1, 2, 3] as [Int64])) }
    #expect(label?.code == .value)
    #expect(label?.subject.line != nil)
    #expect(code { try Loss.crossEntropy(p, Tensor([0, 1] as [Int64])) }?.code == .shape)
  }

  @Test func reductions() throws {
    let (p, t) = (try Tensor([[1, 2], [3, 4]]), try Tensor([[0, 0], [0, 0]]))
    #expect(try Loss.meanSquared(p, t, reduction: .none).numbers() == [1, 4, 9, 16])
    #expect(try Loss.meanSquared(p, t, reduction: .sum).scalar() == 30)
    #expect(try Loss.meanSquared(p, t).scalar() == 7.5)
  }
}
