import Kernels
import Tensors

// Steps of a chain as a file carries them.
extension ChainStep {
  /// The function, its operands and its parameters: `leakyRelu 2 0.01`.
  var text: String {
    var words: [String]
    var rest: [String] = []
    switch function {
    case .unary(let op, let p, let q):
      words = ["\(op)"]
      if p != 0 || q != 0 { rest.append("\(p)") }
      if q != 0 { rest.append("\(q)") }
    case .binary(let op): words = ["\(op)"]
    case .choose: words = ["where"]
    case .cast(let to):
      words = ["cast"]
      rest = ["\(to)"]
    }
    words += operands.map { "\($0)" }
    return (words + rest).joined(separator: " ")
  }

  /// Reads what `text` wrote; nil for anything else.
  init?(_ text: String) {
    let words = text.split(separator: " ").map(String.init)
    guard let name = words.first else { return nil }
    func operands(_ n: Int) -> [Int]? {
      let list = words.dropFirst().prefix(n).compactMap { Int($0) }
      return list.count == n ? list : nil
    }
    if let op = UnaryOp.allCases.first(where: { "\($0)" == name }) {
      let numbers = words.dropFirst(2).compactMap { Double($0) }
      guard let list = operands(1), words.count <= 4, numbers.count == words.count - 2 else {
        return nil
      }
      self.init(
        .unary(op, numbers.first ?? 0, numbers.count > 1 ? numbers[1] : 0), list)
    } else if let op = BinaryOp.allCases.first(where: { "\($0)" == name }) {
      guard let list = operands(2), words.count == 3 else { return nil }
      self.init(.binary(op), list)
    } else if name == "where" {
      guard let list = operands(3), words.count == 4 else { return nil }
      self.init(.choose, list)
    } else if name == "cast" {
      guard let list = operands(1), words.count == 3,
        let to = DType.allCases.first(where: { "\($0)" == words[2] })
      else { return nil }
      self.init(.cast(to), list)
    } else {
      return nil
    }
  }
}
