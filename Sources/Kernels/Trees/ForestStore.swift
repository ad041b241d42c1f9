import CKernels
import Synchronization
import Tensors

/// A forest and what was packed from it: made once, whatever numbers of rows it runs for.
public final class ForestStore: Sendable {
  public let forest: DecisionForest
  let isa: LaneSet
  private enum Made {
    case none, impossible
    case packed(PackedForest)
  }
  private let narrow = Mutex(Made.none)
  private let wide = Mutex(Made.none)
  private let oracle = Mutex(PlainForest?.none)

  public init(_ forest: DecisionForest, isa: LaneSet = .best) {
    self.forest = forest
    self.isa = isa
  }

  /// The forest packed for columns of float32, or float64; nil where it has no packed form.
  ///
  /// Errors: `.budget` when there is no memory.
  func packed(isNarrow: Bool) throws(EngineError) -> PackedForest? {
    let result: Result<PackedForest?, EngineError> =
      isNarrow
      ? narrow.withLock { make(&$0, isNarrow: true) }
      : wide.withLock { make(&$0, isNarrow: false) }
    return try result.get()
  }

  private func make(_ made: inout Made, isNarrow: Bool) -> Result<PackedForest?, EngineError> {
    switch made {
    case .impossible: return .success(nil)
    case .packed(let p): return .success(p)
    case .none: break
    }
    let heads = isa == .avx512 && dl_forest_has_avx512() != 0
    guard let packing = ForestPacking(forest, isNarrow: isNarrow, withHeads: heads) else {
      made = .impossible
      return .success(nil)
    }
    do throws(EngineError) {
      let packed = try PackedForest(packing)
      made = .packed(packed)
      return .success(packed)
    } catch {
      return .failure(error)
    }
  }

  var plain: PlainForest {
    oracle.withLock {
      if let p = $0 { return p }
      let p = PlainForest(forest)
      $0 = p
      return p
    }
  }
}
