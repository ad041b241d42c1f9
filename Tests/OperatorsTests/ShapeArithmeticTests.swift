import Graphs
import Operators
import Tensors
import Testing

/// Exporters compute shapes inside the graph; inference must follow them with symbolic sizes.
@Suite struct ShapeArithmeticTests {
  private let batch = Dim(symbol: "batch")
  private let seq = Dim(symbol: "seq")

  private func infer(
    _ op: any Operator, _ inputs: [Fact?], outputs: Int = 1
  ) throws -> [Fact] { try op.infer(Inference(inputs: inputs, outputCount: outputs)) }
  private func list(_ values: Int64...) throws -> Fact { Fact(constant: try Tensor(values)) }

  @Test func followsShapeGatherUnsqueezeConcatReshape() throws {
    let x = Fact(.float32, [batch, seq, 768])
    let shape = try infer(ShapeOp(), [x])[0]
    #expect(shape.elements == [batch, seq, 768])
    let n = try infer(Gather(), [shape, Fact(constant: try Tensor(scalar: 1 as Int64))])[0]
    #expect(n.elements == [seq])
    #expect(n.dims == [])
    let row = try infer(Unsqueeze(axes: [0]), [n])[0]
    let target = try infer(Concat(axis: 0), [try list(-1), row, try list(12, 64)])[0]
    #expect(target.elements == [-1, seq, 12, 64])
    let y = try infer(Reshape(), [x, target])[0]
    #expect(y.dims == [batch, seq, 12, 64])
  }

  @Test func followsSliceSplitSizeExpand() throws {
    let shape = try infer(ShapeOp(), [Fact(.float32, [batch, 3, seq])])[0]
    let last = try infer(Slice(), [shape, try list(-1), try list(.max)])[0]
    #expect(last.elements == [seq])
    let parts = try infer(Split(axis: 0, parts: 3), [shape], outputs: 3)
    #expect(parts.map(\.elements) == [[batch], [3], [seq]])
    let size = try infer(Size(), [Fact(.float32, [batch, 3, seq])])[0]
    #expect(size.elements == [batch * 3 * seq])
    let wide = try infer(Expand(), [Fact(.float32, [1, 3, 1]), shape])[0]
    #expect(wide.dims == [batch, 3, seq])
    let zeros = ConstantOfShape(try Tensor([0 as Int64]))
    #expect(try infer(zeros, [shape])[0].dims == [batch, 3, seq])
    #expect(try infer(zeros, [try list(2)])[0].elements == [0, 0])
    let range = try infer(
      RangeOp(),
      [
        Fact(constant: try Tensor(scalar: 0 as Int64)),
        try infer(Gather(), [shape, Fact(constant: try Tensor(scalar: 2 as Int64))])[0],
        Fact(constant: try Tensor(scalar: 1 as Int64)),
      ])[0]
    #expect(range.dims == [seq])
  }

  @Test func knownShapesBecomeConstants() throws {
    let shape = try infer(ShapeOp(start: 1), [Fact(TensorType(.uint8, [4, 5, 6]))])[0]
    #expect(try shape.constant?.values(as: Int64.self) == [5, 6])
    let picked = try infer(Gather(), [shape, try list(-1)])[0]
    #expect(try picked.constant?.values(as: Int64.self) == [6])
  }

  @Test func survivesTheUnknown() throws {
    let nothing = Fact(nil, nil)
    for type in Registry.all {
      for c in try type.schema.cases() {
        _ = try? infer(c.op, c.inputs.map { $0 == nil ? nil : nothing }, outputs: c.outputCount)
      }
    }
    #expect(try infer(ShapeOp(), [nothing])[0].rank == 1)
    #expect(try infer(Transpose(perm: [1, 0]), [nothing])[0].rank == 2)
    #expect(try infer(Slice(), [nothing, nothing, nothing])[0].dims == nil)
  }

  @Test func sliceKeepsWhatItCan() throws {
    let x = Fact(.float32, [batch, seq])
    let whole = try infer(Slice(), [x, try list(0), try list(.max), try list(1)])[0]
    #expect(whole.dims == [batch, seq])
    let halves = try infer(
      Slice(), [Fact(.float32, [Dim(7)]), try list(-1), try list(.min), try list(0), try list(-2)])
    #expect(halves[0].dims == [4])
  }
}
