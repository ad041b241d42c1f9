import DLRun
import Operators
import Testing

/// `Y = [address of X, address of Y]`: shows which memory a run reads and writes.
struct AddressProbe: Operator {
  static let schema = Schema(
    "AddressProbe", domain: "com.example", versions: [1], inputs: [Parameter("X", .all)],
    outputs: [Parameter("Y", [DTypes(.int64)])], cases: { [] })
  init(reading a: AttributeReader) throws(EngineError) {}
  func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(.int64, [2])] }
  func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    Prepared(label: "plain") { (m) throws(EngineError) in
      let (x, y) = (m.input(0, UInt8.self), m.output(0, Int64.self))
      y[0] = Int64(Int(bitPattern: x))
      y[1] = Int64(Int(bitPattern: y))
    }
  }

  /// A model of one probe: float32 `x` of any size, int64 `y` of two.
  static func session(_ options: SessionOptions = .init(threads: 1)) throws -> Session {
    var g = Graph()
    let x = g.addInput("x", Fact(.float32, [Dim(symbol: "n")]))
    let y = g.addValue("y", Fact(.int64, [2]))
    g.nodes = [.init(type: "AddressProbe", domain: "com.example", inputs: [x], outputs: [y])]
    g.outputs = [y]
    var model = Model(g)
    model.opsets = [("", 17), ("com.example", 1)]
    var options = options
    options.operators = try OperatorSet(adding: [AddressProbe.self])
    return try Session(model, options: options)
  }
}
