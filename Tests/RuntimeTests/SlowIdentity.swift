import DLRun
import Glibc
import Operators

/// `Y = X` after a sleep: a run that takes time without taking a processor.
struct SlowIdentity: Operator {
  static let schema = Schema(
    "SlowIdentity", domain: "com.example", versions: [1], inputs: [Parameter("X", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [AttributeSpec("milliseconds", .int, "0 or more")], cases: { [] })
  private let milliseconds: Int
  init(reading a: AttributeReader) throws(EngineError) {
    milliseconds = try a.int("milliseconds", default: 1)
  }
  func infer(_ c: Inference) throws(EngineError) -> [Fact] { [Fact(c.dtype(0), c.dims(0))] }
  func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let count = try p.input(0).count
    let time = UInt32(1000 * milliseconds)
    return Prepared(label: "plain") { (m) throws(EngineError) in
      usleep(time)
      let (x, y) = (m.input(0, Float.self), m.output(0, Float.self))
      for i in 0..<count { y[i] = x[i] }
    }
  }

  /// A chain of `count` that can be ended between any two.
  static func session(
    count: Int, milliseconds: Int = 1, _ options: SessionOptions = .init(threads: 1)
  ) throws -> Session {
    var g = Graph()
    var last = g.addInput("x", Fact(.float32, [Dim(symbol: "n")]))
    for i in 1...count {
      let next = g.addValue(i == count ? "y" : "v\(i)", Fact(.float32, nil))
      g.nodes.append(
        .init(
          type: "SlowIdentity", domain: "com.example",
          attributes: [.int("milliseconds", milliseconds)], inputs: [last], outputs: [next]))
      last = next
    }
    g.outputs = [last]
    var model = Model(g)
    model.opsets = [("", 17), ("com.example", 1)]
    var options = options
    options.operators = try OperatorSet(adding: [SlowIdentity.self])
    return try Session(model, options: options)
  }
}
