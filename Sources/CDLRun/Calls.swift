import CDLRunHeader
import Tensors

@c @implementation
public func dlrun_session_call(_ call: UnsafePointer<dlrun_call>?) -> dlrun_status {
  var c = dlrun_call()
  let status = attempt { () throws(EngineError) in
    c = try versioned(try required(call, "call"), default: c, "call")
  }
  guard status == DLRUN_OK else { return status }
  let inputCount = max(0, c.input_count)
  let outputCount = max(0, c.output_count)
  guard c.indirect != 0 else {
    return dlrun_session_run_tensors(
      c.session, c.options, c.inputs, c.input_count, c.places, c.outputs, c.output_count)
  }
  // Copies of the tensors are made, where the counts can be true.
  guard inputCount <= mostTensors, outputCount <= mostTensors else {
    return attempt { () throws(EngineError) in
      throw EngineError(
        .usage, "too many tensors", expected: "at most \(mostTensors) inputs and outputs",
        received: "\(inputCount) and \(outputCount)")
    }
  }
  return withUnsafeTemporaryAllocation(of: dlrun_tensor.self, capacity: inputCount + outputCount) {
    tensors in
    for i in 0..<inputCount {
      tensors.initializeElement(at: i, to: c.inputs.map { followed($0[i]) } ?? dlrun_tensor())
    }
    for i in 0..<outputCount {
      tensors.initializeElement(
        at: inputCount + i, to: c.outputs.map { followed($0[i]) } ?? dlrun_tensor())
    }
    guard let base = tensors.baseAddress else {
      return dlrun_session_run_tensors(
        c.session, c.options, c.inputs, c.input_count, c.places, c.outputs, c.output_count)
    }
    let outputs = base + inputCount
    let status = dlrun_session_run_tensors(
      c.session, c.options, c.inputs == nil ? nil : base, c.input_count, c.places,
      c.outputs == nil ? nil : outputs, c.output_count)
    guard status == DLRUN_OK, let given = c.outputs else { return status }
    for i in 0..<outputCount {
      let wasFilled = given[i].data != nil && outputs[i].value == nil
      let data = given[i].data
      given[i] = outputs[i]
      if wasFilled, outputs[i].data != nil { given[i].data = data }
    }
    return status
  }
}

private let mostTensors = 1 << 16

/// The tensor with the pointer that its `data` leads to.
private func followed(_ tensor: dlrun_tensor) -> dlrun_tensor {
  var tensor = tensor
  tensor.data = tensor.data?.load(as: UnsafeMutableRawPointer?.self)
  return tensor
}
