import Formats
import Graphs
import Runtime
import Tensors
import Testing

@testable import Converters

@Suite struct KerasModelTests {
  /// Each format's model gives what Keras gave.
  @Test(arguments: KerasFixtures.models, ["keras", "h5"])
  func outputsEqualTheFramework(_ name: String, _ format: String) throws {
    let path = "\(KerasFixtures.folder)/\(name)/model.\(format)"
    guard (try? InputFile(path)) != nil else { return }
    let model = try Conversion.convert(path: path).model
    let session = try Session(model)
    var arrays: [String: Tensor] = [:]
    for (key, value) in try NPZ.read("\(KerasFixtures.folder)/\(name)/io.npz") {
      arrays[key] = value
    }
    var inputs: [String: Value] = [:]
    for (i, port) in session.inputs.enumerated() {
      inputs[port.name] = .tensor(try #require(arrays["in_\(i)"]))
    }
    let results = try session.run(values: inputs)
    for (i, value) in results.values.enumerated() {
      let wanted = try #require(arrays["out_\(i)"])
      let found = try #require(value).asTensor()
      #expect(found.shape == wanted.shape)
      guard wanted.dtype == .float32 else {
        #expect(found.rawBytes.elementsEqual(wanted.rawBytes))
        continue
      }
      let (a, b) = (found.elements(Float.self), wanted.elements(Float.self))
      let largest: Float = b.reduce(1e-6) { Swift.max($0, Swift.abs($1)) }
      for (x, y) in zip(a, b) { #expect(Swift.abs(x - y) <= 1e-5 * largest) }
    }
  }

  @Test func namesAndOriginAreKept() throws {
    let path = "\(KerasFixtures.folder)/dictionaries/model.keras"
    let model = try Conversion.convert(path: path).model
    #expect(model.graph.inputs.map { model.graph.name($0) } == ["left", "right"])
    #expect(model.graph.outputs.map { model.graph.name($0) } == ["dense", "sum"])
    #expect(model.metadata("dlrun.source") == "keras")
    #expect(model.metadata("dlrun.source_sha256")?.count == 64)
  }

  @Test func snakeCaseFollowsKeras() {
    let cases = [
      "Dense": "dense", "Conv2D": "conv2d", "Conv2DTranspose": "conv2d_transpose",
      "PReLU": "p_re_lu", "ReLU": "re_lu", "LSTMCell": "lstm_cell", "GRU": "gru",
      "RNN": "rnn", "DepthwiseConv1D": "depthwise_conv1d", "StackedRNNCells": "stacked_rnn_cells",
      "MultiHeadAttention": "multi_head_attention", "LayerNormalization": "layer_normalization",
    ]
    for (name, wanted) in cases { #expect(SnakeNames.snakeCase(name) == wanted) }
    var names = SnakeNames()
    #expect(
      ["Dense", "Dense", "ReLU", "Dense"].map { names.next($0) }
        == ["dense", "dense_1", "re_lu", "dense_2"])
  }

  @Test func theListHasLayersAndOperations() {
    let names = Set(KerasConverter.operators.map(\.name))
    for name in ["Dense", "Conv3DTranspose", "GroupQueryAttention", "keras.ops.GetItem"] {
      #expect(names.contains(name))
    }
    #expect(!names.contains("Lambda"))
  }
}
