import Graphs
import Operators
import Tensors

/// The product of two inputs summed over one axis of each, example by example.
struct DotLayer: KerasLayer {
  let axes: [Int]
  let normalizes: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    axes = try config.ints("axes", count: 2)
    normalizes = try config.bool("normalize", default: false)
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let inputs = try call.inputs()
    guard inputs.count == 2 else {
      throw EngineError(.malformed, "'\(call.name)' is not called with two inputs")
    }
    var (x, y) = (inputs[0].id, inputs[1].id)
    let (m, n) = (try call.rank(x), try call.rank(y))
    let (i, j) = (try call.axis(axes[0], rank: m), try call.axis(axes[1], rank: n))
    guard i > 0, j > 0 else { throw call.unsupported("it sums over the batch") }
    if normalizes {
      x = try call.unit(x, [i])
      y = try call.unit(y, [j])
    }
    // `a` is the batch, `z` what is summed over; Keras keeps axes of size 1 for vectors.
    let letters = Array("bcdefghijklmn")
    var left = ["a"] + letters[0..<(m - 1)].map(String.init)
    var right = ["a"] + letters[(m - 1)..<(m + n - 2)].map(String.init)
    left[i] = "z"
    right[j] = "z"
    let out = left.filter { $0 != "z" } + right.dropFirst().filter { $0 != "z" }
    if m == 2, n == 2 {
      return .id(try call.reduce(ReduceSum.self, try call.mul(x, y), [1], keepDims: true))
    }
    let equation = "\(left.joined()),\(right.joined())->\(out.joined())"
    return .id(try call.b.apply(try Einsum(equation), x, y))
  }
}
