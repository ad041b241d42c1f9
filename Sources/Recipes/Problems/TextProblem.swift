import DataSets
import Layers
import Tensors

/// Makes a problem of a text: to tell each next character of a window.
struct TextProblem {
  let config: TrainConfig

  func problem(_ path: String) throws -> Problem {
    let text = try CharacterText(contentsOf: path)
    let n = text.numbers.count
    let window = config.window
    let test = Int(Double(n) * config.testShare)
    let validation = Int(Double(n - test) * config.validationShare)
    guard min(test, validation) > window else {
      throw EngineError(
        .malformed, "the text is too short",
        expected: "three parts of more than \(window) characters", received: "\(n) characters",
        hint: "set a smaller window", subject: .init(file: path))
    }
    // In order, so that no part has seen another.
    let edges = (n - test - validation, n - test)
    func part(_ range: Range<Int>, _ stride: Int) throws(EngineError) -> TextWindows {
      try TextWindows(Array(text.numbers[range]), length: window, stride: stride)
    }
    return Problem(
      goal: .characters(text.vocabulary), encoding: TokenEncoding(name: "tokens", sizes: [window]),
      train: try part(0..<edges.0, max(1, window / 2)),
      validation: try part(edges.0..<edges.1, window), test: try part(edges.1..<n, window),
      notes: ["\(n) characters, \(text.vocabulary.count) of them different"])
  }
}
