import Graphs
import Operators
import Tensors
import Testing

/// Blocks with branches: what they add up is one convolution.
@Suite struct ConvSumsTests {
  private func conv(
    _ b: GraphBuilder, _ x: ValueID, _ window: Window, _ weights: Shape, group: Int = 1,
    seed: Int = 0, hasBias: Bool = true
  ) throws -> ValueID {
    let w = try b.constant(ramp(weights, scale: 0.5, seed: seed))
    let bias = hasBias ? [try b.constant(ramp([weights[0]], seed: seed + 3))] : []
    return try b.apply(Conv(window: window, group: group), inputs: [x, w] + bias)
  }

  private func norm(_ b: GraphBuilder, _ x: ValueID, _ channels: Int) throws -> ValueID {
    let list = try (0..<3).map { try b.constant(ramp(Shape([channels]), seed: $0 * 5)) }
    let variance = try b.constant(
      Tensor(shape: Shape([channels]), (0..<channels).map { 0.5 + Float($0) / 8 }))
    return try b.apply(BatchNormalization(), inputs: [x, list[0], list[1], list[2], variance])
  }

  private let same = Window(padsBegin: [1, 1], padsEnd: [1, 1])

  @Test(arguments: [1, 2, 8]) func aBlockOfFourBranches(group: Int) throws {
    let check = try PassCheck([ramp([2, 8, 6, 5])], level: .basic) { b, x in
      let part = 8 / group
      let wide = try conv(b, x[0], same, Shape([8, part, 3, 3]), group: group)
      let again = try conv(b, x[0], same, Shape([8, part, 3, 3]), group: group, seed: 7)
      let point = try conv(b, x[0], Window(), Shape([8, part, 1, 1]), group: group, seed: 2)
      let normed = try norm(b, point, 8)
      let straight = try norm(b, x[0], 8)
      let sum = try b.apply(Add(), try b.apply(Add(), normed, straight), wide)
      return [try b.apply(Relu(), try b.apply(Add(), sum, again))]
    }
    #expect(check.after == ["Conv", "Relu"])
    #expect(check.error < 1e-6)
  }

  @Test func stridesDilationsAndTheImageItself() throws {
    let check = try PassCheck([ramp([1, 4, 9, 8])], level: .basic) { b, x in
      let half = Window(strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])
      let strided = try b.apply(
        Add(), try conv(b, x[0], half, [6, 4, 3, 3]),
        try conv(b, x[0], Window(strides: [2, 2]), [6, 4, 1, 1], hasBias: false))
      let apart = Window(dilations: [2, 2], padsBegin: [2, 2], padsEnd: [2, 2])
      let itself = try b.apply(Add(), x[0], try conv(b, x[0], apart, [4, 4, 3, 3], seed: 4))
      let row = Window(padsBegin: [0, 1], padsEnd: [0, 1])
      let cross = try b.apply(
        Add(), try conv(b, x[0], row, [4, 4, 1, 3], seed: 1),
        try conv(b, x[0], same, [4, 4, 3, 3], seed: 9))
      return [strided, itself, cross]
    }
    #expect(check.after == ["Conv", "Conv", "Conv"])
    #expect(check.error < 1e-6)
  }

  @Test func otherSumsStay() throws {
    let check = try PassCheck([ramp([1, 4, 6, 6]), ramp([1, 4, 6, 6], seed: 5)], level: .basic) {
      (b, x) in
      let first = try conv(b, x[0], same, [4, 4, 3, 3])
      // Of another image, of other taps, with another use, of one channel for all.
      let apart = try b.apply(Add(), first, try conv(b, x[1], same, [4, 4, 3, 3], seed: 4))
      let tall = try conv(b, x[0], Window(padsBegin: [1, 0], padsEnd: [1, 0]), [4, 4, 3, 1])
      let flat = try conv(b, x[0], Window(padsBegin: [0, 1], padsEnd: [0, 1]), [4, 4, 1, 3])
      let used = try conv(b, x[0], same, [4, 4, 3, 3], seed: 8)
      let one = try conv(b, x[0], same, [1, 4, 3, 3], seed: 8)
      return [
        apart, try b.apply(Add(), tall, flat), used, try b.apply(Add(), used, x[0]),
        try b.apply(Add(), one, x[0]),
      ]
    }
    #expect(check.after.count { $0 == "Add" } == 4)
    #expect(check.error < 1e-6)
  }
}
