import Graphs
import Tensors

/// Runs the passes over a graph until none finds anything more.
public struct Optimizer {
  /// Every pass, in the order in which those of one stage run.
  public static let passes: [any Pass.Type] = [
    ConstantFolding.self, NoOpRemoval.self, UniformForms.self, EinsumLowering.self,
    ConditionInlining.self, ConditionChoice.self, LoopCollection.self, LoopUnrolling.self,
    CommonSubexpressions.self, ShapeArithmetic.self, SizeSharing.self, UnitAxes.self,
    IdentityArithmetic.self, JoinSimplification.self,
    LinearUnflattening.self, TransposeMotion.self, PadFolding.self, BatchNormFolding.self,
    ConvSums.self,
    QuantizedForms.self, QuantizeMotion.self, LinearAffine.self, NormIntoLinear.self,
    ZeroStates.self,
    ConvIntegerForms.self, ConvAffine.self, ResizedProducts.self, ConvResidual.self,
    ConvActivation.self, GeluFusion.self,
    GateFusion.self, NormFusion.self, GroupNormFusion.self, LinearReshape.self,
    BatchedProducts.self,
    BlockWeightsProduct.self, NBitsBias.self, QuantizedHeads.self, QuantizedProduct.self,
    DynamicProduct.self, QuantizedEpilogue.self, CodeTables.self, LinearBias.self,
    LinearActivation.self, RotaryFusion.self, AttentionFusion.self, AttentionPacking.self,
    ProjectionMerging.self,
    LinearTranspose.self, LinearResidual.self, MatMulTranspose.self, SkipNormFusion.self,
    BagFusion.self, ByteImages.self, DynamicImages.self, QuantizedPairs.self,
    DequantizedConstants.self, BlockedImages.self,
    BlockedExpansion.self, ElementwiseFusion.self,
  ]

  /// Rounds after which it ends even if passes still find something.
  static let maxRounds = 20

  /// What a pass made of a graph.
  public struct Step: Sendable {
    public let pass: any Pass.Type
    /// Rewrites it made.
    public let changes: Int
    /// The whole graph after it, inputs and outputs under their names.
    public let graph: Graph
  }

  public var options: PassOptions
  /// Sees the graph after each pass that changed it.
  public var observer: ((Step) throws(EngineError) -> Void)?
  public var log: RewriteLog?

  public init(_ options: PassOptions = .init()) { self.options = options }

  /// The graph rewritten. Inputs and outputs keep their names, places and types; other values may
  /// be gone.
  ///
  /// Errors: those of passes in strict mode; `.internalDefect` where a rewrite broke an invariant
  /// of the graph (debug builds and strict mode check); those of the observer.
  ///
  /// - `captured`: what is known of values that a body captures.
  public func run(
    _ graph: Graph, using lookup: OperatorLookup, captured: [ValueID: Fact] = [:]
  ) throws(EngineError) -> Graph {
    guard options.level > .none else { return graph }
    var graph = graph
    // What cannot be inferred is left alone here, and is an error of the run.
    try graph.inferFacts(using: lookup, inputs: captured, options: .lenient)
    graph = try rewrite(graph, using: lookup, observer)
    if options.includesSubgraphs {
      try rewriteBodies(&graph, using: lookup, depth: 0, observer)
    }
    return graph
  }

  typealias Observer = (Step) throws(EngineError) -> Void

  func rewrite(
    _ start: Graph, using lookup: OperatorLookup, _ observer: Observer?
  ) throws(EngineError) -> Graph {
    let editor = GraphEditor(start, using: lookup)
    // What nothing needs from the start is no pass's doing.
    editor.sweep()
    editor.log = log
    let wanted = Self.passes.filter {
      $0.level <= options.level && $0.stage <= options.lastStage
    }
    var good = start
    do throws(EngineError) {
      for stage in [PassStage.rewriting, .fusing, .layout] where stage <= options.lastStage {
        let passes = wanted.filter { $0.stage <= stage }
        for _ in 0..<Self.maxRounds {
          let before = editor.changes
          for pass in passes {
            let changes = editor.changes
            try pass.run(editor, options)
            if editor.changes == changes { continue }
            let made = editor.changes - changes
            editor.sweep(after: pass.name)
            if options.isStrict || isDebug { try check(editor, pass, lookup) }
            if let observer {
              try observer(Step(pass: pass, changes: made, graph: editor.finish()))
            }
          }
          if editor.changes == before { break }
          if stage == .layout { break }
        }
        if !options.isStrict { good = editor.finish() }
      }
    } catch {
      if options.isStrict || observer != nil { throw error }
      return good
    }
    if wanted.contains(where: { $0 == ByteImages.self }) { editor.explainQuantization() }
    return editor.finish()
  }

  private func check(
    _ editor: GraphEditor, _ pass: any Pass.Type, _ lookup: OperatorLookup
  ) throws(EngineError) {
    // What a body captures is given, as inputs are.
    var graph = editor.finish()
    graph.inputs += graph.captures
    graph.captures = []
    do throws(EngineError) {
      try graph.verify(using: lookup)
    } catch {
      throw EngineError(
        .internalDefect, "pass \(pass.name) left a graph that breaks a rule", cause: error)
    }
  }

  private var isDebug: Bool {
    var result = false
    assert(
      {
        result = true
        return true
      }())
    return result
  }
}
