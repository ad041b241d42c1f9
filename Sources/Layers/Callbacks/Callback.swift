/// Something that happens along with training. All methods do nothing unless they are overridden.
open class Callback {
  public init() {}
  /// Whether `batchEnds` is to be called, for which figures are worked out after each batch.
  open var watchesBatches: Bool { false }
  /// Whether it is called after all others, as those are that save what the others know.
  open var comesLast: Bool { false }
  /// What it must know again when the run goes on after a break. Nothing by default.
  open var memory: CallbackMemory { CallbackMemory() }
  /// Takes back what `memory` gave, after `trainingBegins`.
  open func recall(_ memory: CallbackMemory, _ state: FitState) throws {}
  /// Before the first epoch.
  open func trainingBegins(_ state: FitState) throws {}
  /// Before each epoch.
  open func epochBegins(_ state: FitState) throws {}
  /// After each step, where `watchesBatches`.
  open func batchEnds(_ state: FitState) throws {}
  /// Before validation.
  open func validationBegins(_ state: FitState) throws {}
  /// After validation.
  open func validationEnds(_ state: FitState) throws {}
  /// After each epoch, its figures being in `logs`.
  open func epochEnds(_ state: FitState) throws {}
  /// Called in every case, also when training failed or was stopped.
  open func trainingEnds(_ state: FitState) throws {}
}
