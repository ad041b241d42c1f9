import Graphs
import Operators
import Tensors
import Testing

/// Attribute lists that make no trees are refused, whatever they say.
@Suite struct TreeErrorTests {
  /// A sound regressor: one test and two leaves.
  static let sound: [Attribute] = [
    .ints("nodes_treeids", [0, 0, 0]), .ints("nodes_nodeids", [0, 1, 2]),
    .ints("nodes_featureids", [0, 0, 0]), .strings("nodes_modes", ["BRANCH_LEQ", "LEAF", "LEAF"]),
    .floats("nodes_values", [1, 0, 0]), .ints("nodes_truenodeids", [1, 0, 0]),
    .ints("nodes_falsenodeids", [2, 0, 0]), .ints("target_treeids", [0, 0]),
    .ints("target_nodeids", [1, 2]), .ints("target_ids", [0, 0]),
    .floats("target_weights", [1, 2]), .int("n_targets", 1),
  ]

  static func make(
    _ changes: [Attribute], _ type: String = "TreeEnsembleRegressor", from: [Attribute] = sound,
    opset: Int = 3
  ) throws -> any Operator {
    let kept = from.filter { a in !changes.contains { $0.name == a.name } }
    var graph = Graph()
    let x = graph.addValue("x", Fact(.float32, nil))
    let y = graph.addValue("y", Fact(nil, nil))
    let node = Graph.Node(
      type: type, domain: "ai.onnx.ml", attributes: kept + changes, inputs: [x], outputs: [y])
    return try Registry.make(node, opset: opset)
  }

  static func complaint(_ changes: [Attribute]) -> String {
    do {
      _ = try make(changes)
      return "accepted"
    } catch let error as EngineError {
      return "\(error.code): \(error.message)"
    } catch { return "\(error)" }
  }

  @Test func soundListsAreAccepted() { #expect(Self.complaint([]) == "accepted") }

  static let hostile: [([Attribute], String)] = [
    ([.ints("nodes_featureids", [0, 0])], "'nodes_featureids' has the wrong length"),
    ([.ints("nodes_truenodeids", [1])], "'nodes_truenodeids' has the wrong length"),
    ([.floats("nodes_values", [])], "'nodes_values' has the wrong length"),
    ([.ints("nodes_missing_value_tracks_true", [1])], "has the wrong length"),
    ([.strings("nodes_modes", ["BRANCH", "LEAF", "LEAF"])], "'nodes_modes' has no legal value"),
    ([.ints("nodes_truenodeids", [7, 0, 0])], "child that does not exist"),
    ([.ints("nodes_falsenodeids", [-1, 0, 0])], "child that does not exist"),
    ([.ints("nodes_falsenodeids", [.max, 0, 0])], "child that does not exist"),
    ([.ints("nodes_truenodeids", [0, 0, 0])], "comes back to a node"),
    (
      [
        .strings("nodes_modes", ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_LT"]),
        .ints("nodes_truenodeids", [1, 2, 1]), .ints("nodes_falsenodeids", [2, 2, 1]),
      ], "comes back to a node"
    ),
    ([.ints("nodes_truenodeids", [2, 0, 0])], "several nodes that are no node's child"),
    ([.ints("nodes_nodeids", [0, 1, 1])], "twice"),
    ([.ints("nodes_treeids", [0, 1, 0])], "child that does not exist"),
    ([.ints("nodes_featureids", [-1, 0, 0])], "feature is out of range"),
    ([.ints("nodes_featureids", [.max, 0, 0])], "feature is out of range"),
    ([.ints("target_nodeids", [1, 9])], "weight's node does not exist"),
    ([.ints("target_treeids", [0, 5])], "weight's node does not exist"),
    ([.ints("target_ids", [0, 1])], "target is out of range"),
    ([.ints("target_ids", [0, -1])], "target is out of range"),
    ([.ints("target_ids", [0])], "has the wrong length"),
    ([.floats("target_weights", [1])], "has the wrong length"),
    ([.int("n_targets", 0)], "number of targets is out of range"),
    ([.int("n_targets", .max)], "number of targets is out of range"),
    ([.floats("base_values", [1, 2])], "'base_values' has the wrong length"),
    ([.string("aggregate_function", "MEDIAN")], "'aggregate_function' has no legal value"),
    ([.string("post_transform", "TANH")], "'post_transform' has no legal value"),
    ([.string("nodes_values", "x")], "wrong type"),
  ]

  @Test(arguments: hostile.indices) func listsAreRefused(_ i: Int) {
    let (changes, message) = Self.hostile[i]
    let complaint = Self.complaint(changes)
    #expect(complaint.hasPrefix("attribute: ") && complaint.contains(message), "\(complaint)")
  }

  @Test func tensorsOfOtherTypesAreRefused() throws {
    let ints = Attribute.tensor("target_weights_as_tensor", try Tensor([1, 2] as [Int64]))
    #expect(Self.complaint([ints]).contains("one of") || Self.complaint([ints]).contains("type"))
    #expect(Self.complaint([ints, .floats("target_weights", [])]).contains("element type"))
  }

  @Test func labelsAreNeeded() throws {
    #expect(throws: EngineError.self) { try Self.make([], "TreeEnsembleClassifier") }
  }

  @Test func leafTablesAreChecked() throws {
    let sound: [Attribute] = [
      .int("n_targets", 1), .ints("tree_roots", [0]), .ints("nodes_featureids", [0]),
      .ints("nodes_truenodeids", [0]), .ints("nodes_falsenodeids", [1]),
      .ints("nodes_trueleafs", [1]), .ints("nodes_falseleafs", [1]),
      .tensor("nodes_modes", try Tensor([0] as [UInt8])),
      .tensor("nodes_splits", try Tensor([1] as [Float])),
      .ints("leaf_targetids", [0, 0]), .tensor("leaf_weights", try Tensor([1, 2] as [Float])),
    ]
    _ = try Self.make([], "TreeEnsemble", from: sound, opset: 5)
    let hostile: [[Attribute]] = [
      [.ints("tree_roots", [1])], [.ints("tree_roots", [-1])],
      [.ints("nodes_truenodeids", [2])], [.ints("nodes_falsenodeids", [-1])],
      [.ints("nodes_trueleafs", [0])], [.ints("nodes_trueleafs", [])],
      [.ints("leaf_targetids", [0, 1])], [.ints("leaf_targetids", [0])],
      [.tensor("nodes_modes", try Tensor([7] as [UInt8]))],
      [.tensor("nodes_modes", try Tensor([6] as [UInt8]))],
      [.tensor("nodes_modes", try Tensor([0] as [Float]))],
      [.tensor("nodes_splits", try Tensor([0] as [Int32]))],
      [.int("aggregate_function", 4)], [.int("post_transform", -1)], [.int("n_targets", -3)],
    ]
    for changes in hostile {
      #expect(throws: EngineError.self, "\(changes)") {
        try Self.make(changes, "TreeEnsemble", from: sound, opset: 5)
      }
    }
  }

  @Test func shortRowsAreRefused() throws {
    let op = try Self.make([.ints("nodes_featureids", [3, 0, 0])])
    #expect(throws: EngineError.self) {
      try Eager().evaluate(op, [.tensor(try Tensor([[1, 2, 3]]))], outputs: 1, runner: nil)
    }
  }

  /// A chain of nodes as deep as a list is long: nothing recurses.
  @Test func chainsAreWalked() throws {
    let n = 20001
    let inner = n / 2
    // Node 2i has the leaf 2i + 1 and the node 2i + 2.
    func list(_ f: (Int) -> Int) -> [Int] { (0..<n).map { $0 % 2 == 0 && $0 < n - 1 ? f($0) : 0 } }
    let leaves = (0..<n).filter { $0 % 2 == 1 || $0 == n - 1 }
    let op = try Self.make([
      .ints("nodes_treeids", [Int](repeating: 0, count: n)), .ints("nodes_nodeids", Array(0..<n)),
      .ints("nodes_featureids", [Int](repeating: 0, count: n)),
      .strings(
        "nodes_modes", (0..<n).map { $0 % 2 == 0 && $0 < n - 1 ? "BRANCH_LEQ" : "LEAF" }),
      .floats("nodes_values", (0..<n).map { Float($0 / 2) }),
      .ints("nodes_truenodeids", list { $0 + 1 }), .ints("nodes_falsenodeids", list { $0 + 2 }),
      .ints("target_treeids", [Int](repeating: 0, count: leaves.count)),
      .ints("target_nodeids", leaves),
      .ints("target_ids", [Int](repeating: 0, count: leaves.count)),
      .floats("target_weights", leaves.map { Float(($0 + 1) / 2) }),
    ])
    let x = try Tensor((0..<5).map { [Float($0 * 2000)] } + [[Float(inner + 5)]])
    let y = try #require(
      try Eager().evaluate(op, [.tensor(x)], outputs: 1, runner: nil)[0]?.asTensor())
    #expect(
      try y.values(as: Float.self) == [1, 2001, 4001, 6001, 8001, Float(inner)])
  }
}
