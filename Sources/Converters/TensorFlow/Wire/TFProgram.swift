import Formats
import Tensors

/// A graph with the functions that its nodes call, read from a `GraphDef`: 1 nodes, 2 library
/// (1 functions).
final class TFProgram {
  let main: TFBody
  private let messages: [String: ProtoMessage]
  private var bodies: [String: TFBody] = [:]

  init(_ message: ProtoMessage) throws(EngineError) {
    main = try TFBody(graph: message)
    var found: [String: ProtoMessage] = [:]
    for library in try message.all(2) where library.wire == 2 {
      for f in try library.message.all(1) where f.wire == 2 {
        guard let signature = try f.message.last(1)?.message,
          let name = try signature.last(1)?.message.text()
        else { continue }
        found[name] = f.message
      }
    }
    messages = found
  }

  func has(_ function: String) -> Bool { messages[function] != nil }

  /// The body of a function, read when it is first called.
  ///
  /// Errors: `.invalidModel` where the library has no such function; those of reading it.
  func body(_ function: String) throws(EngineError) -> TFBody {
    if let known = bodies[function] { return known }
    guard let message = messages[function] else {
      throw EngineError(
        .invalidModel, "the function '\(function)' is called, but the library has none of that name"
      )
    }
    let made = try TFBody(function: message)
    bodies[function] = made
    return made
  }
}
