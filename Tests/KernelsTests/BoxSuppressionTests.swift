import Kernels
import Testing

/// Suppression of boxes against comparing each with all that stay, on every instruction set.
@Suite struct BoxSuppressionTests {
  static let sets = InstructionSet.allCases.filter { $0 <= .detected }

  private struct Numbers {
    var state: UInt64
    mutating func next(_ range: ClosedRange<Float>) -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return range.lowerBound + Float(state >> 40) / Float(1 << 24)
        * (range.upperBound - range.lowerBound)
    }
  }

  /// `classes` times `count` boxes, each class shifted as detectors do.
  private func boxes(_ count: Int, classes: Int, seed: UInt64) -> (boxes: [Float], [Float]) {
    var numbers = Numbers(state: seed)
    var boxes: [Float] = []
    var scores: [Float] = []
    for i in 0..<count {
      let shift = Float(i % classes) * 300
      let (y, x) = (numbers.next(0...200) + shift, numbers.next(0...200) + shift)
      let (h, w) = (numbers.next(0...60), numbers.next(0...60))
      boxes += i % 7 == 0 ? [y + h, x, y, x + w] : [y, x, y + h, x + w]
      scores.append((numbers.next(0...1) * 64).rounded() / 64)
    }
    return (boxes, scores)
  }

  private func plain(
    _ boxes: [Float], _ scores: [Float], least: Float?, overlap: Float, most: Int
  ) -> [Int32] {
    func area(_ b: [Float]) -> Float { (b[3] - b[1]) * (b[2] - b[0]) }
    func ratio(_ a: [Float], _ b: [Float]) -> Float {
      let (h, w) = (min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1]))
      guard h > 0, w > 0 else { return 0 }
      let common = w * h
      let union = area(a) + area(b) - common
      return common > 0 && area(a) > 0 && area(b) > 0 && union > 0 ? common / union : 0
    }
    let corners = scores.indices.map { i in
      let b = Array(boxes[4 * i..<4 * i + 4])
      return [min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])]
    }
    func score(_ i: Int) -> Float { scores[i].isNaN ? -.infinity : scores[i] }
    let order = scores.indices.filter { i in least.map { scores[i] > $0 } ?? true }
      .sorted { score($0) > score($1) || score($0) == score($1) && $0 < $1 }
    var kept: [Int32] = []
    for i in order where kept.count < most {
      if !kept.contains(where: { ratio(corners[i], corners[Int($0)]) > overlap }) {
        kept.append(Int32(i))
      }
    }
    return kept
  }

  @Test(arguments: sets) func equalsComparingAll(isa: InstructionSet) {
    for (count, classes) in [(1, 1), (15, 1), (40, 3), (300, 1), (700, 9), (1500, 90)] {
      let (boxes, scores) = boxes(count, classes: classes, seed: UInt64(count))
      let suppression = BoxSuppression(boxes, count: count, isCentered: false, isa: isa)
      for (least, overlap, most) in [
        (nil, 0.5, Int.max), (0.3, 0.1, 1000), (nil, 0, 20), (0.9, 0.7, 1), (nil, 0.3, 0),
        (2, 0.5, 5),
      ] as [(Float?, Float, Int)] {
        let got = suppression.kept(scores: scores, least: least, overlap: overlap, most: most)
        #expect(
          got == plain(boxes, scores, least: least, overlap: overlap, most: most),
          "\(count) \(classes) \(overlap)")
      }
    }
  }

  @Test(arguments: sets) func oddBoxes(isa: InstructionSet) {
    let odd: [Float] = [
      0, 0, 0, 0, .nan, 0, 1, 1, 0, -.infinity, 1, .infinity, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 1e30, 0,
      -1e30, 1, 0, 1e-30, 1, 2e-30, -.infinity, -.infinity, .infinity, .infinity, 0, 0, 1, 1,
      5, .nan, .nan, 6, 3e38, -3e38, -3e38, 3e38, 0, 40, 1, 41,
    ]
    let scores: [Float] = [0.5, 0.9, .nan, 0, -0.0, .infinity, 0.5, -1, 0.5, .nan, 0.25, 0.125]
    let suppression = BoxSuppression(odd, count: scores.count, isCentered: false, isa: isa)
    for overlap: Float in [0, 0.3, 0.9] {
      #expect(
        suppression.kept(scores: scores, least: nil, overlap: overlap, most: 100)
          == plain(odd, scores, least: nil, overlap: overlap, most: 100))
    }
    #expect(
      suppression.kept(scores: scores, least: nil, overlap: -1, most: 100) == [5],
      "nothing overlaps by less than nothing")
  }

  @Test func centredBoxes() {
    let boxes: [Float] = [5, 5, 4, 4, 5.5, 5, 4, 4, 20, 5, 4, 4]
    let suppression = BoxSuppression(boxes, count: 3, isCentered: true)
    #expect(
      suppression.kept(scores: [0.1, 0.9, 0.5], least: nil, overlap: 0.5, most: 9) == [1, 2])
  }
}
