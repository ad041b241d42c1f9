import Graphs
import Tensors

/// Whether two operators are one: of one type, with the same stored fields. Bodies are left out,
/// and two NaNs are equal.
func isSame(_ a: any Operator, _ b: any Operator) -> Bool {
  if AnyHashable(a) == AnyHashable(b) { return true }
  // Bodies compare by identity and NaNs by no means; both print alike.
  return "\(a)" == "\(b)" && haveSameAttributes(a.attributes, b.attributes)
}

/// Whether two lists of attributes say the same, in any order. Bodies are left out.
func haveSameAttributes(_ a: [Attribute], _ b: [Attribute]) -> Bool {
  guard a.count == b.count else { return false }
  for x in a {
    guard let y = b.first(where: { $0.name == x.name }), isSame(x.payload, y.payload) else {
      return false
    }
  }
  return true
}

private func isSame(_ a: Attribute.Payload, _ b: Attribute.Payload) -> Bool {
  func bits(_ list: [Float]) -> [UInt32] { list.map(\.bitPattern) }
  switch (a, b) {
  case (.int(let x), .int(let y)): return x == y
  case (.ints(let x), .ints(let y)): return x == y
  case (.float(let x), .float(let y)): return x.bitPattern == y.bitPattern
  case (.floats(let x), .floats(let y)): return bits(x) == bits(y)
  case (.string(let x), .string(let y)): return x == y
  case (.strings(let x), .strings(let y)): return x == y
  case (.type(let x), .type(let y)): return x == y
  case (.graph, .graph), (.graphs, .graphs): return true
  case (.tensor(let x), .tensor(let y)): return isSame(x, y)
  case (.tensors(let x), .tensors(let y)):
    return x.count == y.count && zip(x, y).allSatisfy { isSame($0, $1) }
  default: return false
  }
}

private func isSame(_ a: Tensor, _ b: Tensor) -> Bool {
  guard a.type == b.type else { return false }
  if a.storage === b.storage { return true }
  if a.dtype == .string { return a.strings.elementsEqual(b.strings) }
  return a.rawBytes.elementsEqual(b.rawBytes)
}
