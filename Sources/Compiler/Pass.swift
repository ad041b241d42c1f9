import Graphs
import Kernels
import Tensors

/// One kind of rewriting, in a file of its own.
public protocol Pass: Sendable {
  /// As `optimize --list` and logs name it: `fold-batch-norm`.
  static var name: String { get }
  /// The lowest level at which it runs.
  static var level: OptimizationLevel { get }
  static var stage: PassStage { get }
  /// What it looks for, what it makes of that, and why the result is the same.
  static var about: PassText { get }
  /// Rewrites what it finds. A node it almost rewrites gets a `miss` with the reason.
  ///
  /// Errors: only for broken invariants; a pattern that does not fit is left alone.
  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError)
}

extension Pass {
  public static var stage: PassStage { .rewriting }
}

/// When a pass runs. Each stage is repeated until nothing changes; earlier ones run again after
/// later ones changed something.
public enum PassStage: Int, Sendable, Comparable {
  /// Makes the graph smaller and its forms uniform.
  case rewriting
  /// Joins nodes into larger ones.
  case fusing
  /// Chooses layouts; once, on what is left.
  case layout

  public static func < (a: PassStage, b: PassStage) -> Bool { a.rawValue < b.rawValue }
}

/// Three sentences that say what a pass does.
public struct PassText: Sendable {
  public let looksFor: String
  public let makes: String
  public let why: String
  public init(looksFor: String, makes: String, why: String) {
    self.looksFor = looksFor
    self.makes = makes
    self.why = why
  }
}

/// Choices that passes honour.
public struct PassOptions: Sendable {
  public var level: OptimizationLevel
  /// Only kernels as accurate as plain summation.
  public var exact: Bool
  /// Threads that will run the graph.
  public var threads: Int
  /// Where folding is computed.
  public var pool: ThreadPool
  /// Bytes of folded results above which folding stops: a small file must not make a large model.
  public var foldingBudget: Int
  /// Whether an error of a pass is passed on, instead of leaving the graph as it was before it.
  public var isStrict: Bool
  /// The last stage that runs. What is saved for other runtimes has no layouts of ours.
  public var lastStage: PassStage
  /// Whether the bodies of If, Loop and Scan are rewritten as well. A session rewrites a body when
  /// it first runs it.
  public var includesSubgraphs: Bool

  public init(
    level: OptimizationLevel = .all, exact: Bool = false, threads: Int = 1,
    pool: ThreadPool = .single, foldingBudget: Int = 64 << 20, isStrict: Bool = false,
    lastStage: PassStage = .layout, includesSubgraphs: Bool = false
  ) {
    self.level = level
    self.exact = exact
    self.threads = threads
    self.pool = pool
    self.foldingBudget = foldingBudget
    self.isStrict = isStrict
    self.lastStage = lastStage
    self.includesSubgraphs = includesSubgraphs
  }
}
