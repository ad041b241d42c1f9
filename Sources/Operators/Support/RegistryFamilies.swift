import Graphs

extension Registry {
  /// The place of each operator's family in the list of families.
  private static let familyNumbers: [ObjectIdentifier: Int] = {
    var table: [ObjectIdentifier: Int] = [:]
    for (i, family) in families.enumerated() {
      for type in family() { table[ObjectIdentifier(type)] = i }
    }
    return table
  }()

  /// The number of the family that a node's operator belongs to, for drawings.
  public static func family(of node: Graph.Node) -> Int? {
    let type = node.op.map { Swift.type(of: $0) } ?? find(domain: node.domain, name: node.type)
    return type.flatMap { familyNumbers[ObjectIdentifier($0)] }
  }
}
