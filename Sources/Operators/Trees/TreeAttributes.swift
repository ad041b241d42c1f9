import Graphs
import Tensors

/// The attributes that TreeEnsembleClassifier and TreeEnsembleRegressor share.
enum TreeAttributes {
  static let shared: [AttributeSpec] = [
    AttributeSpec("nodes_treeids", .ints, "tree of each node"),
    AttributeSpec("nodes_nodeids", .ints, "number of each node in its tree"),
    AttributeSpec("nodes_featureids", .ints, "feature that each node asks for"),
    AttributeSpec("nodes_modes", .strings, TreeTables.modes.joined(separator: ", ")),
    AttributeSpec("nodes_values", .floats, "what each node compares with"),
    AttributeSpec("nodes_values_as_tensor", .tensor, "the same as double", since: 3),
    AttributeSpec("nodes_truenodeids", .ints, "where a true comparison leads"),
    AttributeSpec("nodes_falsenodeids", .ints, "where a false comparison leads"),
    AttributeSpec("nodes_missing_value_tracks_true", .ints, "1: NaN leads to the true node"),
    AttributeSpec("nodes_hitrates", .floats, "popularity; not used"),
    AttributeSpec("nodes_hitrates_as_tensor", .tensor, "popularity; not used", since: 3),
    AttributeSpec("base_values", .floats, "added at the end; default none"),
    AttributeSpec("base_values_as_tensor", .tensor, "the same as double", since: 3),
    AttributeSpec("post_transform", .string, TreeTransform.names.joined(separator: ", ")),
  ]

  static func weights(_ prefix: String) -> [AttributeSpec] {
    [
      AttributeSpec(prefix + "_treeids", .ints, "tree of each weight's leaf"),
      AttributeSpec(prefix + "_nodeids", .ints, "node of each weight's leaf"),
      AttributeSpec(prefix + "_ids", .ints, "what each weight is added to"),
      AttributeSpec(prefix + "_weights", .floats, "weights of leaves"),
      AttributeSpec(prefix + "_weights_as_tensor", .tensor, "the same as double", since: 3),
    ]
  }

  /// Two trees over two features: a test of each, and a test of the second alone.
  static func example(_ prefix: String) -> [Attribute] {
    [
      .ints("nodes_treeids", [0, 0, 0, 0, 0, 1, 1, 1]),
      .ints("nodes_nodeids", [0, 1, 2, 3, 4, 0, 1, 2]),
      .ints("nodes_featureids", [0, 0, 1, 0, 0, 1, 0, 0]),
      .strings(
        "nodes_modes",
        ["BRANCH_LEQ", "LEAF", "BRANCH_LT", "LEAF", "LEAF", "BRANCH_GTE", "LEAF", "LEAF"]),
      .floats("nodes_values", [1, 0, 3, 0, 0, 2.5, 0, 0]),
      .ints("nodes_truenodeids", [1, 0, 3, 0, 0, 1, 0, 0]),
      .ints("nodes_falsenodeids", [2, 0, 4, 0, 0, 2, 0, 0]),
      .ints(prefix + "_treeids", [0, 0, 0, 1, 1]),
      .ints(prefix + "_nodeids", [1, 3, 4, 1, 2]),
      .ints(prefix + "_ids", [0, 0, 0, 0, 0]),
      .floats(prefix + "_weights", [0.1, 0.2, 0.4, 0.3, -0.5]),
    ]
  }
}
