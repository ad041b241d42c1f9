/// Closures as a callback.
///
/// ```swift
/// ClosureCallback(epochEnds: { print($0.epoch, $0.logs) })
/// ```
public final class ClosureCallback: Callback {
  /// What a closure of it is.
  public typealias Body = (FitState) throws -> Void
  private let bodies: (begin: Body?, epoch: Body?, batch: Body?, epochEnd: Body?, end: Body?)

  public init(
    trainingBegins: Body? = nil, epochBegins: Body? = nil, batchEnds: Body? = nil,
    epochEnds: Body? = nil, trainingEnds: Body? = nil
  ) {
    bodies = (trainingBegins, epochBegins, batchEnds, epochEnds, trainingEnds)
    super.init()
  }

  public override var watchesBatches: Bool { bodies.batch != nil }
  public override func trainingBegins(_ state: FitState) throws { try bodies.begin?(state) }
  public override func epochBegins(_ state: FitState) throws { try bodies.epoch?(state) }
  public override func batchEnds(_ state: FitState) throws { try bodies.batch?(state) }
  public override func epochEnds(_ state: FitState) throws { try bodies.epochEnd?(state) }
  public override func trainingEnds(_ state: FitState) throws { try bodies.end?(state) }
}
