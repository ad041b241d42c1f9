import Graphs
import Tensors

/// What C source can be written of: how each operator's function is written, family by family.
enum COperators {
  /// Writes the body of a node's function.
  typealias Writing = @Sendable (inout CBody) throws(EngineError) -> Void

  /// In a struct of its own, since dictionaries of functions that throw typed errors overwhelm the
  /// compiler.
  struct Entry: Sendable {
    let write: Writing
    init(_ write: @escaping Writing) { self.write = write }
  }

  /// By operator of ai.onnx. Nothing else names them.
  static let all: [String: Entry] = {
    var table: [String: Entry] = [:]
    for family in [
      CElementwise.operators, CConvolutions.operators, CProducts.operators, CPooling.operators,
      CNormalizations.operators, CReductions.operators, CMovement.operators,
      CIndexing.operators, CResize.operators, CRecurrent.operators, CQuantization.operators,
    ] {
      table.merge(family) { a, _ in a }
    }
    return table
  }()

  /// Operators whose result is the memory of their input.
  static let views: Set<String> = [
    "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze",
  ]

  /// The operators of the table, as `dlrun convert --list c` prints them.
  static var listed: [SourceOperator] {
    (Array(all.keys) + views).sorted().map { SourceOperator($0) }
  }
}
