/// Names that Keras 3 stores layers under: the class in snake case, counted from the second on.
///
/// Source: keras `saving_lib._save_container_state` and `naming.to_snake_case`.
struct SnakeNames {
  private var used: [String: Int] = [:]

  /// Classes that Keras exports under another name than their own.
  private static let ownNames = ["GroupQueryAttention": "GroupedQueryAttention"]

  mutating func next(_ className: String) -> String {
    let name = Self.snakeCase(Self.ownNames[className] ?? className)
    guard let count = used[name] else {
      used[name] = 0
      return name
    }
    used[name] = count + 1
    return "\(name)_\(count + 1)"
  }

  /// `Conv2DTranspose` as `conv2d_transpose`, `ReLU` as `re_lu`.
  ///
  /// First `(.)([A-Z][a-z]+)`, then `([a-z])([A-Z])` get an underscore between their two groups.
  static func snakeCase(_ name: String) -> String {
    func isUpper(_ c: Character) -> Bool { c.isASCII && c.isUppercase }
    func isLower(_ c: Character) -> Bool { c.isASCII && c.isLowercase }
    let letters = name.filter { $0.isLetter || $0.isNumber || $0 == "_" }.map { $0 }
    var first: [Character] = []
    var i = 0
    while i < letters.count {
      first.append(letters[i])
      // A match takes one letter, a capital and the small letters behind it.
      if i + 2 < letters.count, isUpper(letters[i + 1]), isLower(letters[i + 2]) {
        first.append("_")
        first.append(letters[i + 1])
        i += 2
        while i < letters.count, isLower(letters[i]) {
          first.append(letters[i])
          i += 1
        }
      } else {
        i += 1
      }
    }
    var result = ""
    for (k, c) in first.enumerated() {
      if k > 0, isLower(first[k - 1]), isUpper(c) { result.append("_") }
      result.append(c)
    }
    return result.lowercased()
  }
}
