import Tensors

/// A `NodeDef`: 1 name, 2 operator, 3 inputs, 5 attributes.
struct TFNode: Sendable {
  var name = ""
  var op = ""
  /// As they are written: `name`, `name:1`, `name:output:1` in functions; `^name` for control.
  var inputs: [String] = []
  var attributes = TFAttributes()

  init(_ message: ProtoMessage) throws(EngineError) {
    try message.forEach { (f) throws(EngineError) in
      guard f.wire == 2 else { return }
      switch f.number {
      case 1: name = try f.message.text()
      case 2: op = try f.message.text()
      case 3: inputs.append(try f.message.text())
      case 5:
        let (key, value) = try f.message.entry()
        attributes.set(key, value)
      default: break
      }
    }
  }

  /// A node that stands for an argument of a function.
  init(argument name: String) {
    self.name = name
    op = TFNode.argumentOperator
  }

  /// What stands for a function's argument; no operator of TensorFlow begins so.
  static let argumentOperator = "<argument>"
}
