import Graphs
import Operators
import Tensors

enum DequantizedConstants: Pass {
  static let name = "fold-dequantization"
  static let level = OptimizationLevel.basic
  static let stage = PassStage.layout
  static let about = PassText(
    looksFor: "a DequantizeLinear of constants that no kernel on integers took",
    makes: "an initializer with the numbers that they stand for, as long as those stay small",
    why: "the operator's own kernel computes them, only earlier; fold-constants leaves them alone, "
      + "so that a saved model keeps its quantised weights and kernels on integers find them")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    var spent = 0
    let eager = Eager(pool: options.pool, options: .init(exact: options.exact))
    for i in g.nodes {
      guard ConstantFolding.keeps(g, i), let op = g.node(i).op, let y = g.output(i) else {
        continue
      }
      var inputs: [Value?] = []
      for id in g.node(i).inputs { inputs.append(g.constant(id).map { .tensor($0) }) }
      let bytes = g.fact(y).tensorType?.byteCount ?? Int.max
      guard bytes <= options.foldingBudget - spent,
        let values = try? eager.evaluate(op, inputs, outputs: 1, runner: nil),
        case .tensor(let t)?? = values.first
      else { continue }
      spent += bytes
      g.note(i, "\(name): computed before the run")
      g.makeConstant(i, [t])
    }
  }
}

extension ConstantFolding {
  /// Whether a node makes numbers of quantised constants: weights, which stay as they are until the
  /// last stage.
  static func keeps(_ g: GraphEditor, _ i: Int) -> Bool {
    guard g.node(i).op is DequantizeLinear, let x = g.input(i, 0), g.isInitializer(x),
      g.fact(x).dtype == .int8 || g.fact(x).dtype == .uint8 || g.fact(x).dtype == .int32
    else { return false }
    return g.node(i).inputs.allSatisfy { $0 == nil || g.constant($0) != nil }
  }
}
