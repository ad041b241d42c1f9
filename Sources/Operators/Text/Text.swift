import Graphs

/// Operators on strings.
enum Text {
  static let operators: [any Operator.Type] = [
    RegexFullMatch.self,
    StringConcat.self,
    StringNormalizer.self,
    StringSplit.self,
    TfIdfVectorizer.self,
    Tokenizer.self,
  ]
}
