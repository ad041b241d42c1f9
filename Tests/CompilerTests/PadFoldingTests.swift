import Graphs
import Operators
import Tensors
import Testing

@Suite struct PadFoldingTests {
  private func padded(
    _ b: GraphBuilder, _ x: ValueID, _ pads: [Int64], _ value: Float? = nil
  ) throws -> ValueID {
    try b.apply(
      Pad(),
      inputs: [x, try b.constant(Tensor(pads))]
        + (value.map { [try b.constant(Tensor(scalar: $0))] } ?? []))
  }

  @Test func zerosGoIntoAConvolution() throws {
    let check = try PassCheck([ramp([1, 2, 5, 4])], level: .basic) { b, x in
      let p = try padded(b, x[0], [0, 0, 1, 2, 0, 0, 0, 1], 0)
      let w = try b.constant(ramp([3, 2, 3, 3], seed: 2))
      let own = Window(padsBegin: [1, 0], padsEnd: [0, 1])
      return [try b.apply(Conv(window: own), p, w), try b.apply(Conv(), p, w)]
    }
    #expect(check.after == ["Conv", "Conv"])
    #expect(check.error < 1e-6)
  }

  @Test func otherPadsStay() throws {
    let check = try PassCheck([ramp([1, 2, 5, 4])], level: .basic) { b, x in
      let w = try b.constant(ramp([3, 2, 3, 3], seed: 2))
      let wide = try b.constant(ramp([3, 3, 3, 3], seed: 2))
      return [
        try b.apply(Conv(), try padded(b, x[0], [0, 0, 1, 1, 0, 0, 1, 1], 1), w),
        try b.apply(Conv(), try padded(b, x[0], [0, 1, 1, 1, 0, 0, 1, 1]), wide),
        try b.apply(Conv(), try padded(b, x[0], [0, 0, -1, 0, 0, 0, 1, 1]), w),
        try b.apply(
          Conv(window: Window(autoPad: .sameUpper)),
          try padded(b, x[0], [0, 0, 1, 1, 0, 0, 1, 1]), w),
      ]
    }
    #expect(check.after.count { $0 == "Pad" } == 4)
  }

  @Test func meansCountTheZeros() throws {
    let check = try PassCheck([ramp([1, 2, 5, 4])], level: .basic) { b, x in
      let p = try padded(b, x[0], [0, 0, 1, 1, 0, 0, 1, 0])
      let own = Window(kernel: [3, 3], padsBegin: [1, 1], padsEnd: [1, 1])
      return [
        try b.apply(AveragePool(Window(kernel: [2, 2])), p),
        try b.apply(AveragePool(own, countsPads: true), p),
      ]
    }
    #expect(check.after == ["AveragePool", "AveragePool"])
    #expect(check.error < 1e-6)
    let mixed = try PassCheck([ramp([1, 2, 5, 4])], level: .basic) { b, x in
      let p = try padded(b, x[0], [0, 0, 1, 1, 0, 0, 1, 0])
      let own = Window(kernel: [3, 3], padsBegin: [1, 1], padsEnd: [1, 1])
      return [try b.apply(AveragePool(own), p)]
    }
    #expect(mixed.after == ["Pad", "AveragePool"])
  }

  @Test func maximaPassOverPads() throws {
    let pads: [Int64] = [0, 0, 1, 1, 0, 0, 1, 0]
    let check = try PassCheck([ramp([1, 2, 5, 4])], level: .basic) { b, x in
      [
        try b.apply(MaxPool(Window(kernel: [3, 3])), try padded(b, x[0], pads, -.infinity)),
        try b.apply(
          MaxPool(Window(kernel: [3, 3])), try padded(b, try b.apply(Relu(), x[0]), pads)),
      ]
    }
    #expect(check.after.sorted() == ["MaxPool", "MaxPool", "Relu"])
    #expect(check.error == 0)
    let signed = try PassCheck([ramp([1, 2, 5, 4])], level: .basic) { b, x in
      [
        try b.apply(MaxPool(Window(kernel: [3, 3])), try padded(b, x[0], pads)),
        try b.apply(
          MaxPool(Window(kernel: [1, 1])), try padded(b, try b.apply(Relu(), x[0]), pads)),
      ]
    }
    #expect(signed.after.count { $0 == "Pad" } == 2)
  }
}
