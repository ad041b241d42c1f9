import Graphs
import Tensors

/// A value as generated code sees it.
struct CValue {
  let type: TensorType
  /// Its contents, where they are known when the code is written.
  let constant: Tensor?

  var dtype: DType { type.dtype }
  var shape: Shape { type.shape }
  var count: Int { type.count }
  /// Its integers, where they are known.
  var ints: [Int]? { constant.flatMap { Fact(constant: $0).knownInts } }
  /// The number of a tensor of one element.
  var scalar: Double? { constant.flatMap { $0.count == 1 ? $0.asDouble(0) : nil } }
}

/// The C function of one node being written: what it is given is `x0`, `x1`, …, what it makes `y0`.
struct CBody {
  let op: any Operator
  let inputs: [CValue?]
  let outputs: [CValue?]
  private(set) var text = ""
  private(set) var usedInputs: Set<Int> = []
  private(set) var usedOutputs: Set<Int> = []
  private var depth = 1

  init(_ op: any Operator, inputs: [CValue?], outputs: [CValue?]) {
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
  }

  // MARK: Looking

  /// The operator's name.
  var name: String { Swift.type(of: op).schema.name }

  func has(_ k: Int) -> Bool { k < inputs.count && inputs[k] != nil }

  /// Errors: `.arity` for an input that the node lacks.
  func input(_ k: Int) throws(EngineError) -> CValue {
    guard k < inputs.count, let value = inputs[k] else {
      throw EngineError(.arity, "input \(k) is missing")
    }
    return value
  }

  /// Errors: `.arity` for an output that the node lacks.
  func output(_ k: Int = 0) throws(EngineError) -> CValue {
    guard k < outputs.count, let value = outputs[k] else {
      throw EngineError(.arity, "output \(k) is missing")
    }
    return value
  }

  func wants(_ k: Int) -> Bool { k < outputs.count && outputs[k] != nil }

  /// Errors: `.unsupported` saying what must be known when the code is written.
  func known(_ k: Int, _ what: String) throws(EngineError) -> [Int] {
    guard let list = try input(k).ints else {
      throw EngineError(.unsupported, "\(what) must be constant")
    }
    return list
  }

  func refuse(_ reason: String) -> EngineError { EngineError(.unsupported, reason) }

  // MARK: Writing

  mutating func x(_ k: Int) -> String {
    usedInputs.insert(k)
    return "x\(k)"
  }
  mutating func y(_ k: Int = 0) -> String {
    usedOutputs.insert(k)
    return "y\(k)"
  }

  mutating func line(_ code: String) {
    text += String(repeating: "  ", count: depth) + code + "\n"
  }
  mutating func open(_ code: String) {
    line(code + " {")
    depth += 1
  }
  mutating func close(_ count: Int = 1) {
    for _ in 0..<count {
      depth -= 1
      line("}")
    }
  }
  mutating func loop(_ variable: String, _ count: Int) {
    open("for (int \(variable) = 0; \(variable) < \(count); \(variable)++)")
  }
  /// Opens all loops of a nest; the caller closes as many as it says.
  mutating func open(_ loops: CLoops) -> Int {
    for axis in loops.sizes.indices { loop(loops.variable(axis), loops.sizes[axis]) }
    return loops.sizes.count
  }

  /// A table of numbers.
  mutating func table(_ type: String, _ name: String, _ items: [String]) {
    line("static const \(type) \(name)[\(max(items.count, 1))] = {")
    var row = "   "
    for (i, item) in items.enumerated() {
      row += " " + item + (i + 1 < items.count ? "," : "")
      if row.utf8.count > 80 {
        line(row)
        row = "   "
      }
    }
    if items.isEmpty { row += " 0" }
    if row.count > 3 { line(row) }
    line("};")
  }

  /// Copies `sizes` elements from input `k` to output `to`, each with its steps.
  mutating func copy(
    _ sizes: [Int], from k: Int, _ source: [Int], at sourceOffset: Int = 0, to target: Int = 0,
    _ steps: [Int], beginning targetOffset: Int = 0
  ) {
    let loops = CLoops(sizes, [source, steps])
    let count = open(loops)
    let from = "\(x(k))[\(loops.index(0, offset: sourceOffset))]"
    line("\(y(target))[\(loops.index(1, offset: targetOffset))] = \(from);")
    close(count)
  }
}
