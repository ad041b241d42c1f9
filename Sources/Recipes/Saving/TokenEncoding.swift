import Graphs
import Tensors

/// Whole numbers that an embedding takes as they come, int64 `[N, ...]`.
struct TokenEncoding: Encoding {
  let name: String
  let sizes: [Int]

  var inputs: [EncodedInput] { [.init(name: name, dtype: .int64, sizes: sizes)] }
  var sampleSizes: [Int] { sizes }

  func add(
    to a: inout GraphAssembly, _ inputs: [ValueID]
  ) throws(EngineError) -> ValueID { inputs[0] }
}
