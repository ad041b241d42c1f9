import Graphs
import Tensors
import Testing

@testable import Operators

@Suite struct ContainersTests {
  private func run(_ op: any Operator, _ inputs: Value?..., outputs: Int = 1) throws -> Value {
    try #require(
      try Eager().evaluate(op, inputs, outputs: outputs, runner: nil).first ?? nil)
  }
  private func list(_ values: Float...) throws -> Value {
    .sequence(try values.map { .tensor(try Tensor([$0])) })
  }
  private func floats(_ value: Value) throws -> [[Float]] {
    guard case .sequence(let list) = value else { return [] }
    return try list.map { try $0.asTensor().values(as: Float.self) }
  }
  private func at(_ i: Int64) throws -> Value { .tensor(try Tensor(scalar: i)) }
  private func code(_ body: () throws -> Value) -> EngineError.Code? {
    do {
      _ = try body()
      return nil
    } catch { return (error as? EngineError)?.code }
  }

  @Test func insertsAtEveryPlace() throws {
    let x = try list(1, 2)
    let new = Value.tensor(try Tensor([9 as Float]))
    #expect(try floats(run(SequenceInsert(), x, new)) == [[1], [2], [9]])
    #expect(try floats(run(SequenceInsert(), x, new, at(0))) == [[9], [1], [2]])
    #expect(try floats(run(SequenceInsert(), x, new, at(2))) == [[1], [2], [9]])
    #expect(try floats(run(SequenceInsert(), x, new, at(-1))) == [[1], [9], [2]])
    #expect(code { try run(SequenceInsert(), x, new, at(3)) } == .value)
    #expect(code { try run(SequenceInsert(), x, new, at(.min)) } == .value)
    let other = Value.tensor(try Tensor([9 as Int64]))
    #expect(code { try run(SequenceInsert(), x, other) } == .dtype)
    #expect(code { try run(SequenceInsert(), new, new) } == .dtype)
  }

  @Test func takesAndErases() throws {
    let x = try list(1, 2, 3)
    #expect(try floats(run(SequenceErase(), x)) == [[1], [2]])
    #expect(try floats(run(SequenceErase(), x, at(-3))) == [[2], [3]])
    #expect(code { try run(SequenceErase(), .sequence([])) } == .value)
    #expect(try run(SequenceAt(), x, at(-1)).asTensor().values(as: Float.self) == [3])
    #expect(code { try run(SequenceAt(), x, at(3)) } == .value)
    #expect(try run(SequenceLength(), x).asTensor().values(as: Int64.self) == [3])
    #expect(try floats(run(SequenceEmpty())).isEmpty)
  }

  @Test func splitsAndJoins() throws {
    let x = Value.tensor(try Tensor([1, 2, 3, 4, 5] as [Float]))
    #expect(try floats(run(SplitToSequence(), x, at(2))) == [[1, 2], [3, 4], [5]])
    #expect(code { try run(SplitToSequence(), x, at(0)) } == .value)
    let sizes = Value.tensor(try Tensor([4, 1] as [Int32]))
    let parts = try run(SplitToSequence(), x, sizes)
    #expect(try floats(parts) == [[1, 2, 3, 4], [5]])
    let wrong = Value.tensor(try Tensor([4, 2] as [Int64]))
    #expect(code { try run(SplitToSequence(), x, wrong) } == .shape)
    #expect(
      try run(ConcatFromSequence(axis: 0), parts).asTensor().values(as: Float.self)
        == [1, 2, 3, 4, 5])
    let scalars = try run(SplitToSequence(keepsDims: false), x)
    guard case .sequence(let list) = scalars else { return }
    #expect(try list.allSatisfy { try $0.asTensor().shape == [] } && list.count == 5)
    let stacked = try run(ConcatFromSequence(axis: -1, stacks: true), scalars).asTensor()
    #expect(stacked.shape == [5])
    #expect(code { try run(ConcatFromSequence(axis: 0), .sequence([])) } == .value)
    let text = Value.tensor(try Tensor(shape: [2], strings: ["a", "b"]))
    let words = try run(ConcatFromSequence(axis: 0), run(SplitToSequence(), text)).asTensor()
    #expect(words.strings == ["a", "b"])
  }

  @Test func optionalsHoldOrNot() throws {
    let x = Value.tensor(try Tensor([1 as Float]))
    let none = try run(OptionalOp(type: .tensor(.float32, nil)), nil)
    #expect(try !run(OptionalHasElement(), none).asTensor().elements(Bool.self)[0])
    #expect(code { try run(OptionalGetElement(), none) } == .value)
    let some = try run(OptionalOp(), x)
    #expect(try run(OptionalHasElement(), some).asTensor().elements(Bool.self)[0])
    #expect(try run(OptionalGetElement(), some).asTensor().values(as: Float.self) == [1])
    #expect(throws: EngineError.self) {
      try OptionalOp(reading: AttributeReader("Optional", opset: 15, attributes: []))
    }
  }

  /// Two elements of a sequence need not have one size, even where the sequence names it.
  @Test func elementsForgetSymbolicSizes() throws {
    let sequence = Fact(.sequence(.tensor(.float32, [Dim(symbol: "N"), 3])))
    let c = Inference(inputs: [sequence, Fact(.int64, [])])
    let a = try #require(try SequenceAt().infer(c)[0].dims)
    let b = try #require(try SequenceAt().infer(c)[0].dims)
    #expect(a[0] != b[0] && a[1] == 3 && b[1] == 3)
    let joined = ValueType.tensor(.float32, [2, 3]).joined(.tensor(.float32, [4, 3]))
    let next = Inference(inputs: [Fact(.sequence(joined)), nil])
    #expect(try SequenceAt().infer(next)[0].dims?[0].known == nil)
  }
}
