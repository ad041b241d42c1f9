import ArgumentParser
import Graphs

/// The sizes of an input on the command line: numbers, and names for sizes that stay open.
/// `image=1x3x224x224`, `image=batchx3x224x224`, `tokens=batch,max_length` (commas where names hold
/// an x), `x=` for a scalar, `?` for an open size without a name; sizes alone for a model with one
/// input.
struct PortShapeArgument: ExpressibleByArgument {
  let name: String?
  let dims: [Dim]

  init?(argument: String) {
    // Names may hold an equals sign, sizes not.
    let split = argument.lastIndex(of: "=")
    name = split.map { String(argument[..<$0]) }
    let text = split.map { argument[argument.index(after: $0)...] } ?? argument[...]
    var dims: [Dim] = []
    if !text.isEmpty {
      let separator: Character = text.contains(",") ? "," : "x"
      for part in text.split(separator: separator, omittingEmptySubsequences: false) {
        guard let dim = Self.dim(part, place: dims.count) else { return nil }
        dims.append(dim)
      }
    }
    guard name?.isEmpty != true, dims.count <= 8 else { return nil }
    self.dims = dims
  }

  private static func dim(_ text: Substring, place: Int) -> Dim? {
    if let n = Int(text) { return n >= 0 ? Dim(n) : nil }
    if text == "?" { return Dim(symbol: "?\(place)") }
    guard let first = text.first, first.isLetter || first == "_",
      text.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
    else { return nil }
    return Dim(symbol: String(text))
  }

  /// The sizes where all are numbers.
  var sizes: [Int]? {
    let known = dims.compactMap(\.known)
    return known.count == dims.count ? known : nil
  }
}

/// A new name for a value: `old=new`.
struct RenameArgument: ExpressibleByArgument {
  let old: String
  let new: String

  init?(argument: String) {
    guard let split = argument.firstIndex(of: "=") else { return nil }
    old = String(argument[..<split])
    new = String(argument[argument.index(after: split)...])
    if old.isEmpty || new.isEmpty { return nil }
  }
}
