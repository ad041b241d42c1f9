import Tensors

/// Lets a float32 kernel work on float16 and bfloat16: inputs are widened into scratch, and the
/// result is rounded once when it is done. For every other type it hands out the memory as it is.
public struct HalfStage: Sendable {
  /// Bytes of scratch in all, the kernel's own first.
  public let scratchBytes: Int
  private let widen: CastKernel?
  private let narrow: CastKernel?
  /// Elements and place in scratch of each input, then of the output.
  private let counts: [Int]
  private let places: [Int]

  /// - `inputs`, `output`: elements of each.
  /// - `scratchBytes`: what the kernel needs for itself; it lies at the start.
  public init(_ dtype: DType, inputs: [Int], output: Int, scratchBytes: Int) {
    counts = inputs + [output]
    guard dtype == .float16 || dtype == .bfloat16 else {
      (widen, narrow) = (nil, nil)
      places = []
      self.scratchBytes = scratchBytes
      return
    }
    widen = CastKernel(dtype, .float32)
    narrow = CastKernel(.float32, dtype)
    var end = GemmPlan.aligned(scratchBytes)
    var places: [Int] = []
    for count in counts {
      places.append(end)
      end += GemmPlan.aligned(count * 4)
    }
    self.places = places
    self.scratchBytes = end
  }

  /// Where the kernel reads input `i`, which lies at `memory`.
  public func input(
    _ i: Int, _ memory: UnsafeRawPointer, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) -> UnsafeRawPointer {
    guard let widen else { return memory }
    widen.run(count: counts[i], memory, scratch + places[i], pool)
    return UnsafeRawPointer(scratch + places[i])
  }

  /// Where the kernel writes its result, which belongs at `memory`.
  public func output(
    _ memory: UnsafeMutableRawPointer, _ scratch: UnsafeMutableRawPointer
  ) -> UnsafeMutableRawPointer {
    places.isEmpty ? memory : scratch + places[places.count - 1]
  }

  /// Brings the result to `memory`.
  public func finish(
    _ memory: UnsafeMutableRawPointer, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    guard let narrow else { return }
    let last = places.count - 1
    narrow.run(count: counts[last], scratch + places[last], memory, pool)
  }

  /// A constant's elements in float32 where they are halves, otherwise the tensor itself.
  ///
  /// Errors: `.budget` when the system has no memory.
  public static func widened(_ tensor: Tensor) throws(EngineError) -> Tensor {
    guard tensor.dtype == .float16 || tensor.dtype == .bfloat16,
      let widen = CastKernel(tensor.dtype, .float32)
    else { return tensor }
    let wide = try Storage(TensorType(.float32, tensor.shape))
    widen.run(count: tensor.count, tensor.storage.bytes, wide.bytes)
    return Tensor(wide)
  }
}
