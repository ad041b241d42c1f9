import Operators
import Tensors

/// `[N, C]` as `[N, n, C]`, the same n times.
struct RepeatVectorLayer: KerasLayer {
  let count: Int

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    count = try config.int("n")
    guard count >= 1 else {
      throw EngineError(.malformed, "'\(config.name)' repeats \(count) times")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    let y = try call.unsqueeze(x.id, [1])
    return .id(try call.b.apply(Tile(), y, try call.b.ints([1, count, 1])))
  }
}
