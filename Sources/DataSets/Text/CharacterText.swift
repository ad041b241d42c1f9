import Formats
import Tensors

/// Text as character numbers, with the characters that occur in it.
public struct CharacterText: Sendable {
  /// Each a single Unicode scalar, in the order of their codes.
  public let vocabulary: [String]
  /// A number for each scalar of the text.
  public let numbers: [Int32]

  /// - Errors: `.malformed` for a text of fewer than two different characters.
  public init(_ text: String) throws(EngineError) {
    let scalars = Array(text.unicodeScalars)
    let kinds = Set(scalars).sorted()
    guard kinds.count > 1 else {
      throw EngineError(
        .malformed, "the text has too few characters", expected: "two different ones or more",
        received: "\(kinds.count)")
    }
    var places: [Unicode.Scalar: Int32] = [:]
    for (i, s) in kinds.enumerated() { places[s] = Int32(i) }
    vocabulary = kinds.map { String(Character($0)) }
    numbers = scalars.map { places[$0] ?? 0 }
  }

  /// - Errors: `.inputMissing`; `.malformed` where it is not UTF-8.
  public init(contentsOf path: String) throws(EngineError) {
    let bytes = try InputFile.unpacked(path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw EngineError(
        .malformed, "the text is not UTF-8", hint: "convert the file to UTF-8",
        subject: .init(file: path))
    }
    do throws(EngineError) { try self.init(text) } catch { throw error.at(file: path) }
  }

  /// Numbers as text; those of no character are left out.
  public func text(_ numbers: [Int]) -> String {
    numbers.filter { vocabulary.indices.contains($0) }.map { vocabulary[$0] }.joined()
  }
}
