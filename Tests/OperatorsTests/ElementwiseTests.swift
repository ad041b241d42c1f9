import Graphs
import Kernels
import Operators
import TestSupport
import Tensors
import Testing

/// What reference vectors do not show of elementwise operators: errors, symbolic sizes and
/// integers, rare forms.
@Suite struct ElementwiseTests {
  private func facts(_ op: any Operator, _ inputs: [Fact?]) throws -> Fact {
    try #require(try op.infer(Inference(inputs: inputs)).first)
  }

  private func code(_ body: () throws -> Void) -> EngineError.Code? {
    do { try body() } catch { return (error as? EngineError)?.code }
    return nil
  }

  private func ints(_ dims: [Dim]) -> Fact {
    Fact(.tensor(.int64, [Dim(dims.count)]), elements: dims)
  }

  @Test func shapesThatDoNotBroadcastThrow() throws {
    let a = try Tensor([1, 2, 3] as [Float]), b = try Tensor([1, 2] as [Float])
    #expect(code { _ = try Eager().apply(Add(), a, b) } == .shape)
    #expect(code { _ = try Eager().apply(Equal(), a, b) } == .shape)
    let on = try Tensor([true, false])
    #expect(code { _ = try Eager().apply(Where(), on, a, a) } == .shape)
    #expect(code { _ = try Eager().apply(PRelu(), a, Tensor([[1, 2, 3]])) } == .shape)
    #expect(code { _ = try Eager().apply(Clip(), a, b) } == .shape)
    #expect(code { _ = try Eager().apply(SumToShape(), a, b) } == .shape)
    #expect(code { _ = try Eager().apply(Max(), inputs: [a, a, b]) } == .shape)
  }

  @Test func differingTypesThrow() throws {
    let a = try Tensor([1, 2, 3] as [Float]), b = try Tensor([1, 2, 3] as [Double])
    #expect(code { _ = try Eager().apply(Add(), a, b) } == .dtype)
    #expect(code { _ = try Eager().apply(Clip(), a, Tensor(scalar: 1.0)) } == .dtype)
    #expect(code { _ = try Eager().apply(Sum(), inputs: [a, b]) } == .dtype)
    #expect(code { _ = try Eager().apply(Sqrt(), Tensor([1] as [Int32])) } == .dtype)
  }

  @Test func attributesAreChecked() {
    #expect(
      code {
        _ = try BitShift(reading: AttributeReader("BitShift", opset: 11, attributes: []))
      } == .attribute)
    #expect(
      code {
        _ = try Mod(reading: AttributeReader("Mod", opset: 13, attributes: [.int("fmod", 2)]))
      } == .attribute)
    #expect(
      code { _ = try Cast(reading: AttributeReader("Cast", opset: 13, attributes: [])) }
        == .attribute)
    #expect(
      code {
        _ = try Cast(reading: AttributeReader("Cast", opset: 13, attributes: [.int("to", 99)]))
      } == .attribute)
  }

  @Test func emptyInputsGiveEmptyOutputs() throws {
    let none = try Tensor(shape: [0, 3], [] as [Float])
    for op: any Operator in [Relu(), Exp(), Gelu(), Clip()] {
      let y = try Eager().evaluate(op, [.tensor(none)], outputs: 1, runner: nil)[0]
      #expect(try y?.asTensor().shape == [0, 3])
    }
    let sum = try Eager().apply(Add(), none, Tensor([1, 2, 3] as [Float]))
    #expect(sum.shape == [0, 3])
    let back = try Eager().apply(SumToShape(), none, Tensor([1, 2, 3] as [Float]))
    #expect(Array(back.elements(Float.self)) == [0, 0, 0])
  }

  @Test func integersStaySymbolic() throws {
    let n = Dim(symbol: "n")
    #expect(try facts(Add(), [ints([n, 2]), ints([1])]).elements == [n + 1, 3])
    #expect(try facts(Mul(), [ints([n, 2]), ints([3, n])]).elements == [n * 3, n * 2])
    #expect(try facts(Sub(), [ints([n]), ints([n])]).elements == [0])
    #expect(try facts(Div(), [ints([n * 4, -7]), ints([2])]).elements == [n * 2, -3])
    #expect(try facts(Div(), [ints([4]), ints([0])]).elements == nil)
    #expect(try facts(Mod(), [ints([-7]), ints([3])]).elements == [2])
    #expect(try facts(Max(), [ints([3, n]), ints([5, n])]).elements == [5, n])
    #expect(try facts(Cast(to: .int32), [ints([n])]).elements == [n])
    #expect(try facts(Cast(to: .int32), [ints([Dim(1 << 40)])]).elements == nil)
    #expect(try facts(Neg(), [ints([n])]).elements == [n * -1])
    #expect(try facts(Add(), [ints([n]), Fact(.int64, nil)]).elements == nil)
    #expect(try facts(Clip(), [ints([n, 9]), nil, ints([4])]).elements?.last == 4)
  }

  /// What exporters write for `expand(-1, 4)`: sizes of -1 become those of the input.
  @Test func expandIdiomStaysKnown() throws {
    let n = Dim(symbol: "n")
    let target = ints([-1, 4]), size = ints([n, 1])
    let isOpen = try facts(Equal(), [target, ints([-1])])
    #expect(isOpen.elements == [1, 0] && isOpen.dtype == .bool)
    #expect(try facts(Where(), [isOpen, size, target]).elements == [n, 4])
    #expect(try facts(Equal(), [size, ints([-1])]).elements == [0, 0])
    #expect(try facts(Equal(), [size, ints([4])]).elements == nil)
  }

  @Test func clipWithAttributes() throws {
    let reader = AttributeReader(
      "Clip", opset: 6, attributes: [.float("min", 0), .float("max", 6)])
    let y = try Eager().apply(Clip(reading: reader), Tensor([-1, 3, 9, .nan] as [Float]))
    let v = Array(y.elements(Float.self))
    #expect(Array(v[..<3]) == [0, 3, 6] && v[3].isNaN)
    let crossed = try Eager().apply(
      Clip(), Tensor([-1, 3, 9] as [Float]), Tensor(scalar: Float(5)), Tensor(scalar: Float(2)))
    #expect(Array(crossed.elements(Float.self)) == [2, 2, 2])
  }

  @Test func wideIntegersKeepEveryBit() throws {
    let big = Int64.max - 1
    let y = try Eager().apply(
      Clip(), Tensor([big, .max, .min]), Tensor(scalar: Int64.min + 1), Tensor(scalar: big))
    #expect(Array(y.elements(Int64.self)) == [big, big, .min + 1])
  }

  @Test func manyPiecesManyThreads() throws {
    let count = 100_003
    let a = try Tensor(shape: [count, 2], (0..<2 * count).map { Float($0 % 1000) })
    let b = try Tensor([1, 2] as [Float])
    let eager = Eager(pool: ThreadPool(threads: 2), options: .init(threads: 2))
    let y = try eager.apply(Add(), a, b)
    let (x, z) = (a.elements(Float.self), y.elements(Float.self))
    #expect((0..<2 * count).allSatisfy { z[$0] == x[$0] + Float($0 % 2 + 1) })
    let s = try eager.apply(SumToShape(), y, b)
    let sums = [0, 1].map { k in
      stride(from: k, to: 2 * count, by: 2).reduce(0.0) { $0 + Double(z[$1]) }
    }
    #expect(Array(s.elements(Float.self)) == sums.map { Float($0) })
  }

  @Test func textThatIsNoNumberThrows() throws {
    let text = try Tensor(shape: [2], strings: ["1", "Hello"])
    for to: DType in [.float32, .int64, .uint64, .bool, .int4] {
      #expect(code { _ = try Eager().apply(Cast(to: to), text) } == .value)
    }
    let huge = try Tensor(shape: [1], strings: ["1e30"])
    #expect(code { _ = try Eager().apply(Cast(to: .int64), huge) } == .value)
  }

  @Test func saturationIsHonoured() throws {
    let x = try Tensor([1000, -1000, .infinity, .nan] as [Float])
    let on = try Eager().apply(Cast(to: .float8e4m3fn), x)
    #expect(Array(on.rawBytes) == [0x7E, 0xFE, 0x7E, 0x7F])
    let off = try Eager().apply(Cast(to: .float8e4m3fn, saturate: false), x)
    #expect(Array(off.rawBytes) == [0x7F, 0xFF, 0x7F, 0x7F])
    let down = try Eager().apply(
      Cast(to: .float8e8m0, rounding: .down), Tensor([3, 4, 5] as [Float]))
    #expect(Array(down.rawBytes) == [128, 129, 129])
  }

  @Test func sumToShapeKeepsSymbols() throws {
    let n = Dim(symbol: "n")
    let y = try facts(SumToShape(), [Fact(.float32, [n, 3]), Fact(.float32, [1, 3])])
    #expect(y.dims == [1, 3])
  }
}
