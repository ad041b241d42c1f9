import Tensors

extension EngineError {
  /// The error with the line of whoever called, in place of one within this library or of none.
  package func atCaller(_ file: StaticString, _ line: UInt) -> EngineError {
    let inside = ["Layers/", "Training/", "DataSets/"]
    let isInside = subject.file.map { f in inside.contains { f.hasPrefix($0) } } ?? false
    guard isInside || (subject.file == nil && subject.line == nil) else { return self }
    var place = subject
    place.file = "\(file)"
    place.line = Int(line)
    return EngineError(
      code, message, expected: expected, received: received, hint: hint, subject: place,
      cause: cause)
  }
}
