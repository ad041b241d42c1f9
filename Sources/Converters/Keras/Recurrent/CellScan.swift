import Graphs
import Operators
import Tensors

/// A cell's step in a Scan along axis 1.
struct CellScan {
  private let cell: any KerasCell
  private let object: KerasObject
  private let call: LayerCall

  init(_ cell: any KerasCell, _ object: KerasObject, _ call: LayerCall) {
    self.cell = cell
    self.object = object
    self.call = call
  }

  func run(
    _ x: ValueID, _ given: [ValueID], mask: ValueID?, backwards: Bool, sequences: Bool,
    zeroesMasked: Bool
  ) throws(EngineError) -> KerasRecurrentLayer.Result {
    let dims = try call.dims(x)
    guard dims.count >= 3 else { throw call.unsupported("it is called without time steps") }
    let step = [dims[0]] + dims[2...]
    let shapes = try cell.stateShapes(step)
    var states = given
    if states.isEmpty {
      for shape in shapes { states.append(try zeros(shape, batchOf: x)) }
    }
    guard states.count == shapes.count else {
      throw EngineError(
        .malformed, "'\(call.name)' is given a wrong number of states",
        expected: "\(shapes.count)", received: "\(states.count)")
    }
    // The output goes along as a state too, where masked steps repeat it or only the last counts.
    let carries = mask != nil || !sequences
    if carries { states.append(try zeros(try cell.outputShape(step), batchOf: x)) }

    let body = try self.body(
      x, step, states, mask: mask, carries: carries, sequences: sequences,
      zeroesMasked: zeroesMasked)
    let scanned = [x] + (mask.map { [$0] } ?? [])
    let attributes: [Attribute] = [
      .graph("body", body), .int("num_scan_inputs", scanned.count),
      .ints("scan_input_axes", scanned.map { _ in 1 }),
      .ints("scan_input_directions", scanned.map { _ in backwards ? 1 : 0 }),
      .ints("scan_output_axes", sequences ? [1] : []),
      .ints("scan_output_directions", sequences ? [0] : []),
    ]
    let inputs = states + scanned
    let count = states.count + (sequences ? 1 : 0)
    let op = try Scan(
      reading: AttributeReader(
        "Scan", opset: 16, attributes: attributes, inputCount: inputs.count, outputCount: count))
    let results = try call.b.apply(op, inputs: inputs, outputs: count).array
    return .init(
      output: sequences ? results[states.count] : results[states.count - 1],
      states: Array(results.prefix(shapes.count)), mask: nil)
  }

  private func zeros(_ shape: [Int], batchOf x: ValueID) throws(EngineError) -> ValueID {
    let batch = try call.dims(x)[0]
    let sizes = try call.shape([batch] + shape.map { Dim($0) }, like: [x])
    let zero = try LayerCall.scalar(0, call.dtype)
    return try call.b.apply(Expand(), try call.b.constant(zero), sizes)
  }

  private func body(
    _ x: ValueID, _ step: [Dim], _ states: [ValueID], mask: ValueID?, carries: Bool,
    sequences: Bool, zeroesMasked: Bool
  ) throws(EngineError) -> Graph {
    let b = ConversionBuilder()
    // Values of weights belong to one graph; within the body they are made anew.
    let kept = Self.takeValues(object)
    defer { Self.giveValues(object, kept) }
    let inner = LayerCall(
      b: b, object: object, arguments: [], keywords: [], outerType: call.dtype)
    var before: [ValueID] = []
    for (i, state) in states.enumerated() {
      before.append(
        b.input("state_\(i)", Fact(call.b.dtype(state) ?? call.dtype, call.b.dims(state))))
    }
    let now = b.input("step", Fact(call.b.dtype(x) ?? call.dtype, step))
    let test = mask.map { _ in b.input("mask", Fact(.bool, [step[0]])) }
    let count = states.count - (carries ? 1 : 0)
    let made = try cell.step(inner, now, Array(before.prefix(count)))
    var after = made.states
    var output = made.output
    if let test {
      func chosen(_ new: ValueID, _ old: ValueID) throws(EngineError) -> ValueID {
        let axes = Array(1..<(try inner.rank(new)))
        return try inner.select(try inner.unsqueeze(test, axes), new, old)
      }
      for (i, state) in after.enumerated() { after[i] = try chosen(state, before[i]) }
      output = try chosen(
        output, zeroesMasked ? try inner.number(0, like: output) : before[count])
    }
    for (i, state) in after.enumerated() { try b.output("next_\(i)", state) }
    if carries { try b.output("last", output) }
    if sequences { try b.output("output", output) }
    return b.graph
  }

  private static func takeValues(_ object: KerasObject) -> [[String: ValueID]] {
    var all = [object.values]
    object.values = [:]
    for child in object.children { all += takeValues(child.object) }
    return all
  }

  @discardableResult
  private static func giveValues(
    _ object: KerasObject, _ values: [[String: ValueID]]
  ) -> [[String: ValueID]] {
    var left = values
    object.values = left.removeFirst()
    for child in object.children { left = giveValues(child.object, left) }
    return left
  }
}
