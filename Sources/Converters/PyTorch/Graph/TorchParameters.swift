import Graphs
import Operators
import Tensors

/// The matrices of a model and their transposes, shared by a graph and the graphs within it.
final class TorchParameters {
  /// Values that are transposes of others at hand.
  var turned: [ValueID: ValueID] = [:]
  private var known: [ValueID: Tensor] = [:]
  private var transposes: [ValueID: ValueID] = [:]
  private let builder: ConversionBuilder

  init(_ builder: ConversionBuilder) { self.builder = builder }

  func add(_ name: String, _ tensor: Tensor) -> ValueID {
    let id = builder.weight(name, tensor)
    known[id] = tensor
    return id
  }
  func contains(_ id: ValueID) -> Bool { known[id] != nil }

  /// A matrix among the parameters, transposed once; nil for other values.
  func transposed(_ id: ValueID) throws(EngineError) -> ValueID? {
    if let made = transposes[id] { return made }
    guard let tensor = known[id], tensor.shape.rank == 2 else { return nil }
    let turned = try Eager().apply(Transpose(perm: [1, 0]), tensor)
    // The untransposed bytes need not stay in memory.
    if let file = tensor.storage.keeper as? any MappedMemory {
      tensor.withUnsafeBytes { file.releasePages($0) }
    }
    let made = builder.weight(builder.graph.name(id), turned)
    transposes[id] = made
    return made
  }

  /// Gives transposes that stand for their originals everywhere the originals' names, and lists
  /// those names.
  func settleNames(_ graph: inout Graph) -> [String] {
    var used = Set(graph.outputs)
    for node in graph.nodes {
      for case let id? in node.inputs { used.insert(id) }
      used.formUnion(node.captured)
    }
    var names: [String] = []
    for (plain, made) in transposes where !used.contains(plain) {
      names.append(graph.values[plain.index].name)
      let name = graph.values[plain.index].name
      graph.values[plain.index].name = graph.values[made.index].name
      graph.values[made.index].name = name
    }
    return names.sorted()
  }
}
