import Graphs
import Tensors

/// How raw inputs become what the network takes, as a part of the saved graph.
protocol Encoding: Sendable {
  /// The inputs of the saved model, with the sizes of a sample.
  var inputs: [EncodedInput] { get }
  /// The sizes of a sample as the network takes it.
  var sampleSizes: [Int] { get }
  /// Adds nodes that compute the network's input from the raw ones.
  func add(to assembly: inout GraphAssembly, _ inputs: [ValueID]) throws(EngineError) -> ValueID
}

/// A raw input.
struct EncodedInput: Sendable {
  let name: String
  let dtype: DType
  let sizes: [Int]
}

extension Encoding {
  /// A model of its own that does the encoding alone.
  func model() throws(EngineError) -> ModelGraph {
    var assembly = GraphAssembly()
    let ids = declare(&assembly)
    let encoded = try add(to: &assembly, ids)
    let dims: [Dim] = [Dim(symbol: "batch")] + sampleSizes.map { Dim($0) }
    // An input that is passed on needs a node to have an output's name.
    let result = assembly.add("Identity", [encoded], name: "encode/result", dtype: .float32)
    assembly.output(result, "encoded", .float32, dims)
    return assembly.model()
  }

  func declare(_ assembly: inout GraphAssembly) -> [ValueID] {
    inputs.map { x in
      assembly.input(x.name, x.dtype, [Dim(symbol: "batch")] + x.sizes.map { Dim($0) })
    }
  }
}
