import CDLRunHeader
import Tensors

/// The function `call(output_names, input_feed, arrays)` of a session, for the package in `tools/python`;
/// None where it cannot be had: the session's ports have other types than NumPy, or the process is no
/// CPython. See `PythonSession` for what it gives. The interpreter's lock is held.
@c
public func dlrun_python_session(
  _ session: OpaquePointer?, _ inputs: UnsafeMutableRawPointer?,
  _ outputs: UnsafeMutableRawPointer?, _ dtypes: UnsafeMutableRawPointer?,
  _ api: UnsafeMutableRawPointer?
) -> UnsafeMutableRawPointer? {
  guard let python = Interpreter.shared else { return nil }
  var made: PythonSession?
  _ = attempt { () throws(EngineError) in
    made = PythonSession(
      try HandleTable.find(session, SessionHandle.self), inputs: try required(inputs, "inputs"),
      outputs: try required(outputs, "outputs"), dtypes: try required(dtypes, "dtypes"),
      api: try required(api, "api"))
  }
  guard let made else { return python.nothing() }
  let content = Unmanaged.passRetained(made)
  guard
    let capsule = python.newCapsule(
      content.toOpaque(), nil,
      { capsule in
        guard let content = Interpreter.shared?.capsuleContent(capsule, nil) else { return }
        Unmanaged<PythonSession>.fromOpaque(content).release()
      })
  else {
    content.release()
    return nil
  }
  defer { python.release(capsule) }
  return python.newFunction(method, capsule, nil)
}

/// Python keeps the pointer for as long as a function of it lives.
private nonisolated(unsafe) let method: UnsafeMutablePointer<Interpreter.Method> = {
  let method = UnsafeMutablePointer<Interpreter.Method>.allocate(capacity: 1)
  method.initialize(
    to: Interpreter.Method(
      name: permanent("call"),
      body: { capsule, arguments, count in
        guard let python = Interpreter.shared else { return nil }
        guard count == 3, let arguments, let names = arguments[0], let feed = arguments[1],
          let given = arguments[2], let content = python.capsuleContent(capsule, nil)
        else { return python.nothing() }
        return Unmanaged<PythonSession>.fromOpaque(content)._withUnsafeGuaranteedRef {
          $0.run(names, feed, given)
        }
      }))
  return method
}()
