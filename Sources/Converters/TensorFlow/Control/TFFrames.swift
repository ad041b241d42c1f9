import Graphs
import Tensors

/// The loops of old control flow: frames of `Enter`, `Merge`, `Switch`, `NextIteration` and `Exit`,
/// each converted as one `Loop`.
///
/// A value that the loop carries enters, is merged with what the last iteration gave, and is
/// switched by the condition into the body or to the exit.
final class TFFrames {
  /// A value that a loop carries, by the nodes that make it.
  struct Carried {
    let enter: Int
    let merge: Int
    let next: Int
    var switches: [Int] = []
  }
  struct Frame {
    var carried: [Carried] = []
    /// `Enter` nodes of what the loop only reads.
    var constants: [Int] = []
    var condition: Int?
  }

  private(set) var frames: [String: Frame] = [:]
  /// The frame and the carried value of each `Exit`.
  private var exits: [Int: (frame: String, place: Int)] = [:]
  /// Merges and switches that belong to loops.
  private(set) var loopNodes: Set<Int> = []

  init(_ body: TFBody) throws(EngineError) {
    func op(_ n: Int) -> String {
      let name = body.nodes[n].op
      return name.hasPrefix("Ref") ? String(name.dropFirst(3)) : name
    }
    var merged: [Int: (String, Int)] = [:]
    var usedEnters: Set<Int> = []
    for n in body.nodes.indices where op(n) == "Merge" && body.inputs[n].count == 2 {
      let (e, x) = (body.inputs[n][0].node, body.inputs[n][1].node)
      guard op(e) == "Enter", op(x) == "NextIteration" else { continue }
      let name = try body.nodes[e].attributes.string("frame_name")
      merged[n] = (name, frames[name, default: Frame()].carried.count)
      frames[name, default: Frame()].carried.append(Carried(enter: e, merge: n, next: x))
      usedEnters.insert(e)
      loopNodes.insert(n)
    }
    guard !merged.isEmpty else { return }
    for n in body.nodes.indices {
      if op(n) == "Enter", !usedEnters.contains(n) {
        let name = try body.nodes[n].attributes.string("frame_name")
        frames[name]?.constants.append(n)
      }
      guard op(n) == "Switch", body.inputs[n].count == 2,
        let (name, place) = merged[body.inputs[n][0].node],
        op(body.inputs[n][1].node) == "LoopCond"
      else { continue }
      frames[name]?.carried[place].switches.append(n)
      frames[name]?.condition = body.inputs[n][1].node
      loopNodes.insert(n)
    }
    for n in body.nodes.indices where op(n) == "Exit" {
      guard let s = body.inputs[n].first?.node, op(s) == "Switch",
        let m = body.inputs[s].first?.node, let place = merged[m]
      else { continue }
      exits[n] = place
    }
    self.body = body
  }
  private var body: TFBody?

  /// What a loop needs before it starts.
  func dependencies(ofExit n: Int) -> [TFRef] {
    guard let body, let (name, _) = exits[n], let frame = frames[name] else { return [] }
    return (frame.carried.map(\.enter) + frame.constants).compactMap { body.inputs[$0].first }
  }

  /// The values of all exits of the frame that `Exit` node `n` belongs to, by carried value.
  func convert(exit n: Int, _ scope: TFScope) throws(EngineError) -> FlowValue {
    guard let body, let (name, place) = exits[n], let frame = frames[name],
      let condition = frame.condition
    else { throw EngineError(.invalidModel, "the node leaves no loop") }
    if let known = scope.loopResults[name] { return known[place] }
    let session = scope.session
    let enters = frame.carried.map(\.enter) + frame.constants
    var initial: [FlowValue] = []
    for e in enters {
      guard let ref = body.inputs[e].first else {
        throw EngineError(.invalidModel, "nothing enters a loop")
      }
      initial.append(try scope.value(ref))
    }
    func inner(_ values: [FlowValue]) -> TFScope {
      let made = TFScope(session, body, arguments: scope.arguments)
      for (c, v) in zip(frame.carried, values) {
        made.replaced[TFRef(node: c.merge, output: 0)] = v
        for s in c.switches { made.replaced[TFRef(node: s, output: 1)] = v }
      }
      for (e, v) in zip(frame.constants, values.dropFirst(frame.carried.count)) {
        made.replaced[TFRef(node: e, output: 0)] = v
      }
      return made
    }
    let isKept =
      frame.carried.map { c in
        guard let next = body.inputs[c.next].first, let source = TFFunctions.source(next, body)
        else { return false }
        return source.node == c.merge || (c.switches.contains(source.node) && source.output == 1)
      } + frame.constants.map { _ in true }
    let results = try FlowLoop(
      session, initial: initial, isKept: isKept,
      condition: { (values) throws(EngineError) in
        guard let ref = body.inputs[condition].first else { return [] }
        return [try inner(values).value(ref)]
      },
      body: { (values) throws(EngineError) in
        let made = inner(values)
        var next: [FlowValue] = []
        for c in frame.carried {
          guard let ref = body.inputs[c.next].first else {
            throw EngineError(.invalidModel, "a loop hands nothing on")
          }
          next.append(try made.value(ref))
        }
        return next + values.dropFirst(frame.carried.count)
      }
    ).convert()
    scope.loopResults[name] = results
    return results[place]
  }
}
