import Graphs
import Operators
import TestSupport
import Tensors
import Testing

/// What operators that move elements refuse, and how they say so.
@Suite struct MovementErrorTests {
  private func floats(_ shape: Shape) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.count).map { Float($0) })
  }
  private func list(_ values: Int64...) throws -> Tensor { try Tensor(values) }

  private func code(
    _ op: any Operator, _ inputs: [Tensor?], outputs: Int = 1
  ) -> EngineError.Code? {
    do {
      _ = try Eager().evaluate(
        op, inputs.map { $0.map { .tensor($0) } }, outputs: outputs, runner: nil)
      return nil
    } catch { return error.code }
  }

  @Test func indicesOutOfRange() throws {
    let x = try floats([3, 4])
    let far = try Tensor(shape: [1, 1], [3] as [Int64])
    let low = try Tensor(shape: [1, 1], [-4] as [Int32])
    #expect(code(Gather(), [x, far]) == .value)
    #expect(code(Gather(), [x, low]) == .value)
    #expect(code(GatherElements(), [x, far]) == .value)
    #expect(code(GatherND(), [x, far]) == .value)
    #expect(code(ScatterElements(), [x, far, try floats([1, 1])]) == .value)
    #expect(code(ScatterND(), [x, far, try floats([1, 4])]) == .value)
    #expect(code(Gather(), [try floats([0, 4]), try list(0)]) == .value)
    let s = try Tensor(shape: [2], strings: ["a", "b"])
    #expect(code(Gather(), [s, try list(2)]) == .value)
    let indices = try list(0, 9)
    do throws(EngineError) {
      _ = try Eager().apply(Gather(axis: 1), x, indices)
      Issue.record("an index of 9 was taken")
    } catch {
      #expect(error.description.contains("index 9 (element 1 of indices)"))
      #expect(error.description.contains("axis 1"))
      #expect(error.description.contains("-4 to 3"))
    }
  }

  @Test func axesOutOfRange() throws {
    let x = try floats([3, 4])
    #expect(code(Gather(axis: 2), [x, try list(0)]) == .attribute)
    #expect(code(Concat(axis: -3), [x, x]) == .attribute)
    #expect(code(Flatten(axis: 3), [x]) == .attribute)
    #expect(code(Squeeze(), [x, try list(2)]) == .attribute)
    #expect(code(Squeeze(), [x, try list(0)]) == .shape)
    #expect(code(Unsqueeze(), [x, try list(1, 1)]) == .attribute)
    #expect(code(Unsqueeze(), [x, try list(0, 1, 2, 3, 4, 5, 6)]) == .shape)
    #expect(code(Transpose(perm: [0]), [x]) == .shape)
    #expect(code(Slice(), [x, try list(0), try list(1), try list(5)]) == .attribute)
  }

  @Test func sizesThatDoNotFit() throws {
    let x = try floats([3, 4])
    #expect(code(Concat(axis: 0), [x, try floats([3, 5])]) == .shape)
    #expect(code(Expand(), [x, try list(2, 4)]) == .shape)
    #expect(code(Split(axis: 0), [x], outputs: 2) == .shape)
    #expect(code(Split(axis: 0), [x, try list(1, 1)], outputs: 2) == .shape)
    #expect(code(Split(axis: 0), [x, try list(4, -1)], outputs: 2) == .shape)
    #expect(code(Tile(), [x, try list(2)]) == .shape)
    #expect(code(Tile(), [x, try list(2, -1)]) == .shape)
    #expect(code(Pad(), [x, try list(0, 0, -4, 0)]) == .shape)
    #expect(code(Pad(), [x, try list(0, 0, 0)]) == .shape)
    #expect(code(Pad(mode: .edge), [try floats([0]), try list(1, 0)]) == .shape)
    #expect(code(DepthToSpace(blockSize: 2), [try floats([1, 3, 1, 1])]) == .shape)
    #expect(code(SpaceToDepth(blockSize: 2), [try floats([1, 1, 2, 3])]) == .shape)
    #expect(code(ScatterElements(), [x, try Tensor(shape: [1], [0] as [Int64]), x]) == .shape)
    #expect(code(Trilu(), [try floats([3])]) == .shape)
    #expect(code(ReverseSequence(), [x, try list(1)]) == .shape)
  }

  @Test func valuesThatAreNotLegal() throws {
    let x = try floats([3, 4])
    #expect(
      code(Slice(), [x, try list(0), try list(1), try list(0), try list(0)]) == .value)
    #expect(code(ReverseSequence(), [x, try list(1, 4, 0, 0)]) == .value)
    #expect(code(Compress(axis: 0), [x, try Tensor([true, true, true, true])]) == .value)
    let i = try Tensor([0] as [Int64])
    let values = try floats([2])
    #expect(code(OneHot(), [i, try Tensor(scalar: -1 as Int64), values]) == .value)
    let zero = try Tensor(scalar: 0 as Int64)
    #expect(code(RangeOp(), [zero, try Tensor(scalar: 5 as Int64), zero]) == .value)
    let nan = try Tensor(scalar: Float.nan)
    #expect(code(RangeOp(), [nan, nan, nan]) == .value)
    #expect(code(Resize(), [x, nil, try Tensor([1, 0] as [Float])]) == .value)
    #expect(code(Resize(), [x, nil, try Tensor([1, .nan] as [Float])]) == .value)
  }

  /// A hostile model gets an error, neither a trap nor a huge allocation.
  @Test func hostileSizes() throws {
    let x = try floats([3, 4])
    let huge = Int64.max
    let fill = ConstantOfShape(try Tensor([0 as Float]))
    #expect(code(fill, [try list(huge, huge)]) == .shape)
    #expect(code(fill, [try list(1 << 62)]) == .shape)
    #expect(code(fill, [try list(-1)]) == .shape)
    #expect(code(Expand(), [x, try list(huge, huge, 3, 4)]) == .shape)
    #expect(code(Tile(), [x, try list(huge, huge)]) == .shape)
    #expect(code(Pad(), [x, try list(huge, huge, huge, huge)]) == .shape)
    #expect(code(Resize(), [x, nil, nil, try list(huge, huge)]) == .shape)
    #expect(code(Resize(), [x, nil, try Tensor([1e30, 1e30] as [Float])]) == .shape)
    let i = try Tensor([0] as [Int64])
    #expect(
      code(OneHot(), [i, try Tensor(scalar: huge), try floats([2])]) == .shape)
    #expect(
      code(
        RangeOp(),
        [
          try Tensor(scalar: Int64.min), try Tensor(scalar: huge), try Tensor(scalar: 1 as Int64),
        ]) == .shape)
    let all = try Eager().apply(
      Slice(), inputs: [x, list(huge), list(.min), list(1), list(.min)])
    #expect(all.shape == [3, 1])
  }

  @Test func scatterOfStringsDoesNotReduce() throws {
    let s = try Tensor(shape: [2], strings: ["a", "b"])
    #expect(code(ScatterElements(reduction: .add), [s, try list(0, 1), s]) == .dtype)
  }
}
