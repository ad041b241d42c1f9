import Converters
import Tensors
import Testing

/// Graphs that must be refused, one a rule.
@Suite struct TensorFlowHostileTests {
  @Test func filesAreNotRead() {
    let error = failure(
      Proto.graph([Proto.placeholder(), Proto.node("y", "ReadFile", ["x"])]))
    #expect(error?.code == .unsupported)
    #expect("\(error.map { "\($0)" } ?? "")".contains("it reads files"))
  }

  @Test func filesAreNotReadInFunctions() {
    let inner = Proto.function(
      "inner", [Proto.node("r", "WriteFile", ["x"])], result: "r:contents:0")
    let outer = Proto.function(
      "outer",
      [
        Proto.node("c", "PartitionedCall", ["x"], [("f", Proto.field(10, Proto.field(1, "inner")))])
      ],
      result: "c:output:0")
    let call = Proto.node(
      "y", "StatefulPartitionedCall", ["x"], [("f", Proto.field(10, Proto.field(1, "outer")))])
    let error = failure(
      Proto.graph([Proto.placeholder(), call], functions: [inner, outer]))
    #expect(error?.code == .unsupported)
    #expect("\(error.map { "\($0)" } ?? "")".contains("it writes files"))
  }

  @Test func everythingUnsupportedIsNamedAtOnce() {
    let error = failure(
      Proto.graph([
        Proto.placeholder(), Proto.node("a", "PyFunc", ["x"]), Proto.node("b", "Strange", ["a"]),
      ]))
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("PyFunc (it runs Python") && text.contains("Strange"))
  }

  @Test func functionsThatCallThemselvesEnd() {
    let f = Proto.function(
      "f",
      [Proto.node("c", "PartitionedCall", ["x"], [("f", Proto.field(10, Proto.field(1, "f")))])],
      result: "c:output:0")
    let call = Proto.node(
      "y", "PartitionedCall", ["x"], [("f", Proto.field(10, Proto.field(1, "f")))])
    #expect(failure(Proto.graph([Proto.placeholder(), call], functions: [f]))?.code == .budget)
  }

  @Test func cyclesAreFound() {
    let nodes = [
      Proto.placeholder(), Proto.node("a", "Add", ["x", "b"]), Proto.node("b", "Relu", ["a"]),
      Proto.node("c", "Relu", ["b"]),
    ]
    #expect(failure(Proto.graph(nodes))?.code == .invalidModel)
  }

  @Test func longChainsTakeNoStack() {
    var nodes = [Proto.placeholder()]
    for i in 0..<20_000 {
      nodes.append(Proto.node("n\(i)", "Identity", [i == 0 ? "x" : "n\(i - 1)"]))
    }
    nodes.append(Proto.node("y", "Relu", ["n19999"]))
    #expect(failure(Proto.graph(nodes)) == nil)
  }

  @Test func missingAndDoubledNodesAreRefused() {
    #expect(
      failure(Proto.graph([Proto.placeholder(), Proto.node("y", "Relu", ["gone"])]))?.code
        == .invalidModel)
    #expect(
      failure(Proto.graph([Proto.placeholder(), Proto.placeholder()]))?.code == .invalidModel)
    #expect(
      failure(Proto.graph([Proto.placeholder(), Proto.node("y", "Relu", ["x:7"])]))?.code
        == .invalidModel)
  }

  @Test func hugeConstantsAreNotUnfolded() {
    // One element repeated to 2^38 of them.
    let tensor =
      Proto.field(1, int: 1) + Proto.field(2, Proto.field(2, Proto.field(1, int: 1 << 38)))
      + [5 << 3 | 5, 0, 0, 0x80, 0x3F]
    let c = Proto.node(
      "c", "Const", [], [("value", Proto.field(8, tensor)), ("dtype", Proto.field(6, int: 1))])
    #expect(
      failure(Proto.graph([Proto.placeholder(), c, Proto.node("y", "Add", ["x", "c"])]))?.code
        == .budget)
  }

  @Test func variablesWithoutValuesAreRefused() {
    let v = Proto.node("v", "VarHandleOp", [], [("shared_name", Proto.field(2, "w"))])
    let error = failure(
      Proto.graph([
        Proto.placeholder(), v, Proto.node("r", "ReadVariableOp", ["v"]),
        Proto.node("y", "Add", ["x", "r"]),
      ]))
    #expect(error?.code == .unsupported)
  }

  @Test func everyTruncationAndBitFlipEnds() throws {
    let nodes = [
      Proto.placeholder(),
      Proto.node(
        "c", "Const", [],
        [
          ("dtype", Proto.field(6, int: 3)),
          (
            "value",
            Proto.field(
              8,
              Proto.field(1, int: 3) + Proto.field(2, Proto.field(2, Proto.field(1, int: 2)))
                + Proto.field(4, [1, 0, 0, 0, 2, 0, 0, 0]))
          ),
        ]),
      Proto.node("r", "Reshape", ["x", "c"], [("T", Proto.field(6, int: 1))]),
      Proto.node("y", "Sum", ["r", "c"], [("keep_dims", Proto.field(5, int: 1))]),
    ]
    let bytes = Proto.graph(nodes)
    for n in 0..<bytes.count { _ = failure(Array(bytes[..<n])) }
    for i in 0..<(bytes.count * 8) {
      var changed = bytes
      changed[i / 8] ^= 1 << UInt8(i % 8)
      _ = failure(changed)
    }
  }
}
