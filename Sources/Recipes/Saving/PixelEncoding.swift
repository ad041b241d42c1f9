import Graphs
import Tensors

/// Arrays as the network takes them: as float32, less a mean over a deviation that all elements
/// share, images with their channels first.
struct PixelEncoding: Encoding {
  let name: String
  let dtype: DType
  /// Of a sample as it comes.
  let sizes: [Int]
  let mean: Float
  let scale: Float
  /// What is done to the axes of a sample.
  enum Layout: Sendable {
    case plain
    /// `[H, W]` becomes `[1, H, W]`.
    case addsChannel
    /// `[H, W, C]` becomes `[C, H, W]`.
    case movesChannels
    /// `[H W]` becomes `[1, H, W]`.
    case folds(height: Int, width: Int)
  }
  let layout: Layout

  var inputs: [EncodedInput] { [.init(name: name, dtype: dtype, sizes: sizes)] }

  var sampleSizes: [Int] {
    switch layout {
    case .plain: sizes
    case .addsChannel: [1] + sizes
    case .movesChannels: [sizes[2], sizes[0], sizes[1]]
    case .folds(let height, let width): [1, height, width]
    }
  }

  func add(
    to a: inout GraphAssembly, _ inputs: [ValueID]
  ) throws(EngineError) -> ValueID {
    var x = inputs[0]
    if dtype != .float32 {
      x = a.add("Cast", [x], [.dtype("to", .float32)], name: "encode/real", dtype: .float32)
    }
    let mean = a.constant("encode/mean", try Tensor([self.mean]))
    let scale = a.constant("encode/scale", try Tensor([self.scale]))
    x = a.add("Sub", [x, mean], name: "encode/centred", dtype: .float32)
    x = a.add("Mul", [x, scale], name: "encode/scaled", dtype: .float32)
    switch layout {
    case .plain: return x
    case .addsChannel:
      let axes = a.constant("encode/axes", try Tensor([Int64(1)]))
      return a.add("Unsqueeze", [x, axes], name: "encode/channel", dtype: .float32)
    case .movesChannels:
      return a.add(
        "Transpose", [x], [.ints("perm", [0, 3, 1, 2])], name: "encode/planes", dtype: .float32)
    case .folds(let height, let width):
      let shape = a.constant(
        "encode/shape", try Tensor([0, 1, Int64(height), Int64(width)] as [Int64]))
      return a.add("Reshape", [x, shape], name: "encode/image", dtype: .float32)
    }
  }
}
