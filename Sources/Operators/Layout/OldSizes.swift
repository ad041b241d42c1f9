import Graphs
import Tensors

/// Sizes that the oldest operators take as floats: Tile 1, Split 1.
enum OldSizes {
  static let types = DTypes(.float16, .float32, .float64)

  /// The numbers as integers; nil where there is no tensor.
  ///
  /// Errors: `.value` for one that is not whole.
  static func read(_ t: Tensor?) throws(EngineError) -> [Int]? {
    guard let t else { return nil }
    return try read(t)
  }

  static func read(_ t: Tensor) throws(EngineError) -> [Int] {
    var list: [Int] = []
    for i in 0..<t.count {
      let value = loadNumber(t.storage.bytes, i, t.dtype)
      guard let n = Int(exactly: value) else {
        throw EngineError(
          .value, "a size is no whole number", expected: "0, 1, ...", received: "\(value)")
      }
      list.append(n)
    }
    return list
  }
}
