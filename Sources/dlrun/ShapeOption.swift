import ArgumentParser

/// The shape of an input on the command line: `image=1x3x224x224`, `x=` for a scalar.
struct ShapeOption: ExpressibleByArgument {
  let name: String
  let sizes: [Int]

  init?(argument: String) {
    // Names may hold an equals sign, sizes not.
    guard let split = argument.lastIndex(of: "=") else { return nil }
    name = String(argument[..<split])
    let text = argument[argument.index(after: split)...]
    var sizes: [Int] = []
    if !text.isEmpty {
      for part in text.split(separator: "x", omittingEmptySubsequences: false) {
        guard let n = Int(part), n >= 0 else { return nil }
        sizes.append(n)
      }
    }
    guard !name.isEmpty, sizes.count <= 8 else { return nil }
    self.sizes = sizes
  }
}
