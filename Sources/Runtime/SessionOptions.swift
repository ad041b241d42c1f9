import Compiler
import Graphs
import Operators
import Tensors

/// Choices for a session, made once.
public struct SessionOptions: Sendable {
  /// Threads for one run, the caller's included; nil for what affinity and cgroup quota allow.
  public var threads: Int?
  public var optimization: OptimizationLevel
  /// Only kernels as accurate as plain summation.
  public var exact: Bool
  /// Weights take no more memory packed than in the model: convolutions whose transformed weights
  /// are larger use direct sums, which may take longer.
  public var compact: Bool
  /// Runs give working memory back to the system as soon as nothing later needs it. For a program
  /// that runs a model once, or seldom: each run takes its memory anew, page by page.
  public var returnsMemory: Bool
  /// Bytes that weights, planned and dynamic memory may take together; nil for three quarters of
  /// what the machine or its cgroup has.
  public var maxMemoryBytes: Int?
  /// Ends a run with an error at the first node that makes a NaN or an infinity.
  public var checksNaN: Bool
  /// Most plans kept, one for each set of input shapes: some 3 KiB a node each. Beyond the latest 12
  /// as many as take 32 MiB together, so that a text that grows word by word, or texts of all lengths
  /// in turn, are planned once.
  public var planCacheSize: Int
  /// Where the operators of nodes are looked up.
  public var operators: OperatorSet
  /// Hears what the session does; nil costs nothing. Called from any thread.
  public var observer: (@Sendable (SessionEvent) -> Void)?
  /// Where the memory of runs and results comes from; nil for the system's.
  public var allocator: (any MemoryAllocator)?
  /// Where `async` runs take place.
  public var queue: RunQueue

  public init(
    threads: Int? = nil, optimization: OptimizationLevel = .all, exact: Bool = false,
    compact: Bool = false, returnsMemory: Bool = false,
    maxMemoryBytes: Int? = nil, checksNaN: Bool = false, planCacheSize: Int = 512,
    operators: OperatorSet = .builtIn, observer: (@Sendable (SessionEvent) -> Void)? = nil,
    allocator: (any MemoryAllocator)? = nil, queue: RunQueue = .shared
  ) {
    self.threads = threads
    self.optimization = optimization
    self.exact = exact
    self.compact = compact
    self.returnsMemory = returnsMemory
    self.maxMemoryBytes = maxMemoryBytes
    self.checksNaN = checksNaN
    self.planCacheSize = planCacheSize
    self.operators = operators
    self.observer = observer
    self.allocator = allocator
    self.queue = queue
  }

  /// Errors: `.usage` for numbers that mean nothing.
  func check() throws(EngineError) {
    if let threads, threads < 1 {
      throw EngineError(
        .usage, "a session needs a thread", expected: "1 or more, or nil", received: "\(threads)")
    }
    if let maxMemoryBytes, maxMemoryBytes < 0 {
      throw EngineError(
        .usage, "a memory budget is negative", expected: "0 bytes or more, or nil",
        received: "\(maxMemoryBytes)")
    }
    if planCacheSize < 1 {
      throw EngineError(
        .usage, "a session keeps the plan it runs", expected: "a cache of 1 plan or more",
        received: "\(planCacheSize)")
    }
  }
}
