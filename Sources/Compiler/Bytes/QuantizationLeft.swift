import Graphs
import Operators
import Tensors

extension GraphEditor {
  /// Notes of each QuantizeLinear and DequantizeLinear that is left, and of each image of bytes that
  /// goes back to numbers, why it is.
  func explainQuantization() {
    guard log != nil else { return }
    for i in orderedNodes() where isLive(i) {
      switch node(i).op {
      case is QuantizeLinear, is ContribQuantizeLinear:
        guard let y = output(i) else { continue }
        miss(i, "stays: " + (scaleReason(i, of: y) ?? sourceReason(i)))
      case is DequantizeLinear, is ContribDequantizeLinear:
        guard let x = input(i, 0), let y = output(i) else { continue }
        miss(i, "stays: " + (scaleReason(i, of: x) ?? "\(takers(y)) in numbers"))
      case let op as FromBytes where op.type == .float32:
        guard let y = output(i) else { continue }
        miss(i, "an image of bytes goes back to numbers: \(takers(y)) in them")
      default: continue
      }
    }
  }

  /// Who takes a value: `Softmax, Resize work`, or `the caller works`.
  private func takers(_ v: ValueID) -> String {
    var names: [String] = []
    for i in users(v) where !names.contains(node(i).type) { names.append(node(i).type) }
    if names.isEmpty { return "the caller works" }
    let list = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", ..." : "")
    return names.count > 1 ? "\(list) work" : "\(list) works"
  }

  /// Why integers with the scale of node `i` have no kernels; nil where they have some.
  private func scaleReason(_ i: Int, of codes: ValueID) -> String? {
    let type = dtype(codes)
    guard type == .uint8 || type == .int8 else {
      return "no kernel works on \(type.map { "\($0)" } ?? "codes of an unknown type")"
    }
    guard let scale = input(i, 1) else { return nil }
    guard let t = constant(scale) else { return "its scale is not constant" }
    if t.count > 1 { return "it has \(t.count) scales, and images and rows of codes have one" }
    if let zero = input(i, 2), constant(zero) == nil { return "its zero point is not constant" }
    return nil
  }

  private func sourceReason(_ i: Int) -> String {
    guard let x = input(i, 0), let from = maker(x) else { return "the caller gives numbers" }
    return "\(node(from).type) works in numbers"
  }
}
