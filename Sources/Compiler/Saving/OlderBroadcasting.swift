import Graphs
import Operators
import Tensors

// Binary operators between the broadcasting of before opset 7, which a node asks for and which
// concerns the second input alone, and that of today.

extension Speller {
  /// The operator with the other form of broadcasting; nil where the form is the opset's own, or
  /// the other cannot do it.
  func broadcast(
    _ op: any BinaryElementwise, _ node: Graph.Node, _ b: GraphBuilder, _ x: ValueID, _ y: ValueID,
    _ version: Int
  ) throws(EngineError) -> ValueID? {
    guard let first = b.fact(of: x).dims, let second = b.fact(of: y).dims else { return nil }
    if version >= 7 {
      guard op.form != .both, let plain = remade(node, op, version: 7, []) else { return nil }
      var other = y
      if case .second(let axis?) = op.form, second.product.known != 1 {
        let place = axis < 0 ? axis + first.count : axis
        let behind = first.count - place - second.count
        guard place >= 0, behind >= 0 else { return nil }
        if behind > 0 {
          other = try b.apply(Unsqueeze(axes: (0..<behind).map { second.count + $0 }), y)
        }
      }
      return try plain.build(b, Few(x, other), outputs: 1)[0]
    }
    guard op.form == .both else { return nil }
    let isEven = op is Add || op is Mul || op is And || op is Or || op is Xor || op is Equal
    if let z = try older(op, node, b, x, y, first, second, version) { return z }
    return isEven ? try older(op, node, b, y, x, second, first, version) : nil
  }

  /// `op` of `x` and a `y` whose sizes are some of `x` in one stretch.
  private func older(
    _ op: any BinaryElementwise, _ node: Graph.Node, _ b: GraphBuilder, _ x: ValueID, _ y: ValueID,
    _ first: [Dim], _ second: [Dim], _ version: Int
  ) throws(EngineError) -> ValueID? {
    if op is PRelu {
      // A slope for each channel.
      guard second.count <= first.count, first.count > 1,
        let form = remade(node, op, version: version, [])
      else { return nil }
      let padded = [Dim](repeating: 1, count: first.count - second.count) + second
      let isOne = second.product.known == 1
      guard isOne || padded[1] == first[1] && padded.enumerated().allSatisfy({ $0 == 1 || $1 == 1 })
      else { return nil }
      let slope =
        second.count == 1 && !isOne || isOne && second.count == 1
        ? y : try b.apply(Reshape(fixed: [-1]), y)
      return try form.build(b, Few(x, slope), outputs: 1)[0]
    }
    if first == second {
      guard let form = remade(node, op, version: version, []) else { return nil }
      return try form.build(b, Few(x, y), outputs: 1)[0]
    }
    guard second.count <= first.count else { return nil }
    // Sizes of 1 at both ends say nothing.
    let lead = first.count - second.count
    var range = 0..<second.count
    while let i = range.first, second[i].known == 1 { range = (i + 1)..<range.upperBound }
    while let i = range.last, second[i].known == 1 { range = range.lowerBound..<i }
    guard range.allSatisfy({ second[$0] == first[lead + $0] }) else { return nil }
    var attributes: [Attribute] = [.bool("broadcast", true)]
    var other = y
    if !range.isEmpty {
      attributes.append(.int("axis", lead + range.lowerBound))
      let ones = second.indices.filter { !range.contains($0) }
      if !ones.isEmpty { other = try b.apply(Squeeze(axes: ones), y) }
    }
    guard let form = remade(node, op, version: version, attributes) else { return nil }
    return try form.build(b, Few(x, other), outputs: 1)[0]
  }

  /// The node's operator as `version` makes it, with other attributes for its broadcasting.
  private func remade(
    _ node: Graph.Node, _ op: any Operator, version: Int, _ attributes: [Attribute]
  ) -> (any Operator)? {
    var plain = node
    plain.op = nil
    plain.opset = nil
    plain.attributes = op.attributes.filter { $0.name != "broadcast" && $0.name != "axis" }
    plain.attributes += attributes
    return try? lookup.make(plain, version)
  }
}
