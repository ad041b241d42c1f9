import Graphs
import Tensors

/// How an operator of TensorFlow becomes ONNX.
struct TFOperator: Sendable {
  typealias Convert = @Sendable (TFCall) throws(EngineError) -> [FlowValue]
  typealias ConvertOne = @Sendable (TFCall) throws(EngineError) -> ValueID

  let name: String
  /// For the table of operators.
  let note: String
  /// Names of the outputs, where there are several; functions refer to outputs by name.
  let outputs: [String]
  let convert: Convert

  private init(_ name: String, note: String, outputs: [String], convert: @escaping Convert) {
    self.name = name
    self.note = note
    self.outputs = outputs
    self.convert = convert
  }

  /// An operator with one result, a tensor.
  init(_ name: String, _ note: String = "", _ convert: @escaping ConvertOne) {
    self.init(name, note: note, outputs: []) { (c) throws(EngineError) in
      [.tensor(try convert(c))]
    }
  }

  /// An operator with any number of results of any kind.
  static func many(
    _ name: String, _ note: String = "", outputs: [String] = [], _ convert: @escaping Convert
  ) -> TFOperator { TFOperator(name, note: note, outputs: outputs, convert: convert) }

  /// An ONNX operator of the same inputs and no attributes.
  init(_ name: String, as onnx: String, inputs: Int = 1) {
    self.init(name) { (c) throws(EngineError) in
      var values: [ValueID?] = []
      for i in 0..<inputs { values.append(try c.tensor(i)) }
      return try c.b.onnx(onnx, values)
    }
  }

  /// The place of the first value of output `output` among those of operator `op`.
  static func offset(of output: String, in op: String) -> Int {
    TFOperators.table[op]?.outputs.firstIndex(of: output) ?? 0
  }
}
