import DLRun
import Formats
import Operators
import Testing

/// Models of one node, made of the cases of operators' schemas.
enum OperatorModel {
  /// The model and its inputs by name; with `constants` all inputs but the first are initializers.
  static func of(_ c: Schema.Case, constants: Bool) throws -> (Model, [String: Tensor]) {
    var g = Graph()
    let schema = type(of: c.op).schema
    var ids: [ValueID?] = []
    var inputs: [String: Tensor] = [:]
    for (i, t) in c.inputs.enumerated() {
      guard let t else {
        ids.append(nil)
        continue
      }
      if schema.input(i)?.isShapeInput == true || (constants && i > 0) {
        ids.append(g.addInitializer("c\(i)", t))
      } else {
        ids.append(g.addInput("x\(i)", Fact(t.type)))
        inputs["x\(i)"] = t
      }
    }
    let outputs = (0..<c.outputCount).map { g.addValue("y\($0)", Fact(nil, nil)) }
    g.nodes = [
      .init(
        name: "node", type: schema.name, domain: schema.domain, attributes: c.op.attributes,
        inputs: ids, outputs: outputs)
    ]
    g.outputs = outputs
    var model = Model(g)
    // The newest version that has the case's attributes and as many inputs.
    let opset = try #require(
      schema.newestOpset(
        knowing: c.op.attributes, inputs: c.inputs.count, outputs: c.outputCount, newest: 28),
      "\(schema.name)")
    model.opsets = [("", schema.domain.isEmpty ? opset : 28)]
    if !schema.domain.isEmpty { model.opsets.append((schema.domain, opset)) }
    return (model, inputs)
  }
}
