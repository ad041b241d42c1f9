import Operators
import Tensors

/// Axes behind the batch in another order, counted from 1.
struct PermuteLayer: KerasLayer {
  let dims: [Int]

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    dims = try config.ints("dims")
    guard dims.sorted() == Array(1..<(dims.count + 1)) else {
      throw EngineError(.malformed, "'\(config.name)' has no permutation", received: "\(dims)")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    guard try call.rank(x.id) == dims.count + 1 else {
      throw EngineError(.malformed, "'\(call.name)' permutes another number of axes")
    }
    return .id(try call.transpose(x.id, [0] + dims))
  }
}
