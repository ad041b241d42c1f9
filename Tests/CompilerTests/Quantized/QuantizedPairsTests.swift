import Compiler
import Graphs
import Operators
import Tensors
import Testing

/// Sums and products of codes that stand alone.
@Suite struct QuantizedPairsTests {
  private func codes(_ shape: Shape, _ step: Int, signed: Bool) throws -> Tensor {
    let bytes = (0..<shape.count).map { UInt8($0 * step % 256) }
    return try signed
      ? Tensor(shape: shape, bytes.map { Int8(bitPattern: $0) }) : Tensor(shape: shape, bytes)
  }

  @Test func microsoftOperatorsStay() throws {
    for isSigned in [false, true] {
      for shape in [[5, 70], [70], [1]] as [Shape] {
        let inputs = [
          try codes([5, 70], 37, signed: isSigned), try codes(shape, 101, signed: isSigned),
        ]
        for isSum in [true, false] {
          let check = try PassCheck(inputs, lastStage: .layout) { b, x in
            func number(_ s: Float) throws -> ValueID { try b.constant(Tensor(scalar: s)) }
            let zero = try b.constant(
              isSigned ? Tensor(scalar: -3 as Int8) : Tensor(scalar: 120 as UInt8))
            let op: any Operator = isSum ? QLinearAdd() : QLinearMul()
            return [
              try b.apply(
                op,
                inputs: [x[0], number(0.02), zero, x[1], number(0.03), nil, number(0.07), zero])
            ]
          }
          #expect(check.after == [isSum ? "QLinearAdd" : "QLinearMul"], "\(shape)")
          #expect(check.error == 0)
        }
      }
    }
  }

  @Test func numbersBetweenCodesAreLeftOut() throws {
    let inputs = [try codes([3, 40], 37, signed: false), try codes([3, 40], 11, signed: false)]
    let check = try PassCheck(inputs, lastStage: .layout) { b, x in
      let (s, t) = (
        try b.constant(Tensor(scalar: 0.02 as Float)), try b.constant(Tensor([0.05 as Float]))
      )
      let zero = try b.constant(Tensor(scalar: 120 as UInt8))
      let left = try b.apply(DequantizeLinear(), inputs: [x[0], s, zero]) as ValueID
      let right = try b.apply(DequantizeLinear(), inputs: [x[1], s]) as ValueID
      let sum = try b.apply(Add(), left, right)
      let y = try b.apply(QuantizeLinear(), inputs: [sum, t, zero]) as ValueID
      // The numbers of one factor are asked for as well.
      return [y, left]
    }
    #expect(check.after.contains("QLinearAdd") && !check.after.contains("Add"))
    // A step of a code, where a number lies next to a tie.
    #expect(check.error <= 1.001 / 255)
  }

  @Test func othersKeepTheirForm() throws {
    let inputs = [try codes([3, 40], 37, signed: false), try codes([3, 40], 11, signed: false)]
    let zero = try Tensor(scalar: 120 as UInt8)
    // The sum is an output; the codes of one factor are of another type.
    for isOutput in [true, false] {
      let check = try PassCheck(inputs, lastStage: .layout) { b, x in
        let s = try b.constant(Tensor(scalar: 0.02 as Float))
        let left = try b.apply(DequantizeLinear(), inputs: [x[0], s]) as ValueID
        let right = try b.apply(DequantizeLinear(), inputs: [x[1], s]) as ValueID
        let sum = try b.apply(Add(), left, right)
        let last = try b.constant(isOutput ? zero : Tensor(scalar: 3 as Int8))
        let y = try b.apply(QuantizeLinear(), inputs: [sum, s, last]) as ValueID
        return isOutput ? [y, sum] : [y]
      }
      #expect(!check.after.contains("QLinearAdd"))
      #expect(check.error == 0)
    }
  }
}
