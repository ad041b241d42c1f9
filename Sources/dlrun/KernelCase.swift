import Graphs
import Operators
import Runtime
import Tensors

/// One operator at one size, to be measured by itself.
struct KernelCase {
  /// What kind of work it is: the table is sorted by this.
  let family: String
  /// What it does at which size, as `1x128x384 x 384x1536, GELU`.
  let title: String
  private let op: any Operator
  private let inputs: [Input]
  private let outputs: Int

  enum Input {
    /// Numbers that a run brings.
    case data(Shape, DType = .float32)
    /// Numbers that are known before the run, as weights are.
    case weight(Shape, DType = .float32)
    /// Integers known before the run.
    case ints([Int])
    /// Indices below a limit, that a run brings.
    case indices(Shape, below: Int)
    case none
  }

  init(_ family: String, _ title: String, _ op: any Operator, _ inputs: [Input], outputs: Int = 1) {
    self.family = family
    self.title = title
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
  }

  /// A model of this one operator, as it is, and numbers for its inputs.
  ///
  /// Errors: those of the operator.
  func session(_ options: SessionOptions) throws(EngineError) -> (Session, [String: Value]) {
    let builder = GraphBuilder()
    var ids: [ValueID?] = []
    var values: [String: Value] = [:]
    for (i, input) in inputs.enumerated() {
      switch input {
      case .data(let shape, let dtype):
        let t = try SyntheticInputs.tensor(dtype, shape, seed: i)
        ids.append(builder.graph.addInput("x\(i)", Fact(t.type)))
        values["x\(i)"] = .tensor(t)
      case .indices(let shape, let limit):
        let t = try Tensor(
          shape: shape, (0..<shape.count).map { Int64(($0 &* 7919) % max(1, limit)) })
        ids.append(builder.graph.addInput("x\(i)", Fact(t.type)))
        values["x\(i)"] = .tensor(t)
      case .weight(let shape, let dtype):
        ids.append(try builder.constant(SyntheticInputs.tensor(dtype, shape, seed: i)))
      case .ints(let list): ids.append(try builder.constant(Tensor(list.map { Int64($0) })))
      case .none: ids.append(nil)
      }
    }
    let made = try op.build(builder, Few(ids), outputs: outputs)
    builder.graph.outputs = made.array
    var model = ModelGraph(builder.graph)
    for domain in ["", "ai.dlrun", "com.microsoft"] {
      model.opsets.append((domain, domain.isEmpty ? 28 : 1))
    }
    var options = options
    // The operator as it stands: no pass may make another of it.
    options.optimization = .none
    return (try Session(model, options: options), values)
  }
}
