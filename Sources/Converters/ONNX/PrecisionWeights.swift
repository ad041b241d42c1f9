import Graphs
import Operators
import Tensors

/// Weights in another floating type, and what could not be kept of them.
struct PrecisionWeights {
  let target: DType
  /// Weights with finite elements beyond the type's largest, which these became.
  private(set) var overflows: [(name: String, count: Int, largest: Float)] = []
  private(set) var converted = 0

  init(to target: DType) { self.target = target }

  /// The largest finite number of the target; nil where every float32 fits.
  private var largest: Float? {
    switch target {
    case .float16: 65504
    // 0x7F7F: what lies beyond rounds to infinity.
    case .bfloat16: Float(bitPattern: 0x7F7F_0000)
    default: nil
    }
  }

  /// `tensor` in the target's type, rounded to nearest even; finite elements stay finite.
  ///
  /// Errors: `.budget` where there is no memory.
  mutating func convert(_ name: String, _ tensor: Tensor) throws(EngineError) -> Tensor {
    guard tensor.dtype != target else { return tensor }
    converted += 1
    var source = tensor
    if let largest, tensor.dtype == .float32 || tensor.dtype == .bfloat16 {
      var single = tensor
      if tensor.dtype == .bfloat16 {
        single = try Eager().apply(Cast(to: .float32), tensor)
      }
      let (count, most) = beyond(single, largest)
      if count > 0 {
        overflows.append((name, count, most))
        let bound = try Tensor(scalar: largest)
        let clipped = try Eager().apply(Clip(), single, Tensor(scalar: -largest), bound)
        source = try restoringInfinities(clipped, of: single)
      }
    }
    let result = try Eager().apply(Cast(to: target), source)
    tensor.storage.releasePages()
    return result
  }

  /// How many finite elements lie beyond `limit`, and the largest of them.
  private func beyond(_ tensor: Tensor, _ limit: Float) -> (count: Int, most: Float) {
    var count = 0
    var most: Float = 0
    let found: Void? = tensor.elements(Float.self).withContiguousStorageIfAvailable { list in
      for x in list where abs(x) > limit && x.isFinite {
        count += 1
        most = max(most, abs(x))
      }
    }
    if found == nil {
      for x in tensor.elements(Float.self) where abs(x) > limit && x.isFinite {
        count += 1
        most = max(most, abs(x))
      }
    }
    return (count, most)
  }

  /// Clipping makes infinities finite as well; they were meant.
  private func restoringInfinities(
    _ clipped: Tensor, of original: Tensor
  ) throws(EngineError) -> Tensor {
    guard original.elements(Float.self).contains(where: \.isInfinite) else { return clipped }
    let pairs = zip(clipped.elements(Float.self), original.elements(Float.self))
    return try Tensor(shape: original.shape, pairs.map { $1.isInfinite ? $1 : $0 })
  }

  /// What the user should know.
  var notes: [String] {
    guard let largest, !overflows.isEmpty else { return [] }
    let shown = overflows.prefix(5).map { weight in
      "'\(weight.name)' (\(weight.count) elements, up to \(weight.largest))"
    }
    let rest = overflows.count > 5 ? " and \(overflows.count - 5) more" : ""
    return [
      "beyond the largest \(target), \(largest), which they became: "
        + shown.joined(separator: ", ") + rest
    ]
  }
}
