import ArgumentParser

/// The shape of an input on the command line: `image=1x3x224x224`, `x=` for a scalar, or sizes
/// alone for a model with one input.
struct ShapeArgument: ExpressibleByArgument {
  let name: String?
  let sizes: [Int]

  init?(argument: String) {
    // Names may hold an equals sign, sizes not.
    let split = argument.lastIndex(of: "=")
    name = split.map { String(argument[..<$0]) }
    let text = split.map { argument[argument.index(after: $0)...] } ?? argument[...]
    var sizes: [Int] = []
    if !text.isEmpty {
      for part in text.split(separator: "x", omittingEmptySubsequences: false) {
        guard let n = Int(part), n >= 0 else { return nil }
        sizes.append(n)
      }
    }
    guard name?.isEmpty != true, sizes.count <= 8 else { return nil }
    self.sizes = sizes
  }
}
