import Compiler
import Graphs
import Kernels
import Synchronization
import Tensors

/// What sessions of one file share: the graph as it runs, and the packed weights. It lives as long
/// as one of them.
final class SharedModel: Sendable {
  /// As the file has it, but for functions and gradients, which are written out.
  let original: Graph
  /// Rewritten by the compiler.
  let graph: Graph
  let store: PackedStore

  private struct Key: Hashable {
    let files: [FileIdentity]
    let level: OptimizationLevel
    let exact: Bool
    let threads: Int
  }
  private struct Entry {
    weak var model: SharedModel?
  }
  private static let known = Mutex<[Key: Entry]>([:])

  private init(_ model: ModelGraph, _ lookup: OperatorLookup, _ passes: PassOptions)
    throws(EngineError)
  {
    if let parts = model.compiled {
      original = model.graph
      graph = model.graph
      store = PackedStore(
        constants: model.graph.initializers.map(\.tensor),
        ready: parts.packed.map { (.init(constant: $0.constant, form: $0.form), $0.bytes) },
        pool: passes.pool)
      return
    }
    store = PackedStore(pool: passes.pool)
    var model = try model.inliningFunctions(using: lookup)
    try model.graph.expandGradients(using: lookup)
    original = model.graph
    graph = try Optimizer(passes).run(model.graph, using: lookup)
  }

  /// The shared part for a model, made now where no session has it. Models that were changed since
  /// they were read, and those with operators of their user's, have parts of their own.
  static func of(
    _ model: ModelGraph, _ lookup: OperatorLookup, _ passes: PassOptions, isShared: Bool
  ) throws(EngineError) -> SharedModel {
    guard isShared, !model.files.isEmpty else {
      return try SharedModel(model, lookup, passes)
    }
    let key = Key(
      files: model.files, level: passes.level, exact: passes.exact, threads: passes.threads)
    if let shared = known.withLock({ $0[key]?.model }) { return shared }
    let made = try SharedModel(model, lookup, passes)
    return known.withLock { list in
      // Another thread may have been faster: all are to share one.
      if let shared = list[key]?.model { return shared }
      list = list.filter { $0.value.model != nil }
      list[key] = Entry(model: made)
      return made
    }
  }
}
