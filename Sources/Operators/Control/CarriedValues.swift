import Graphs
import Tensors

/// The values that a bound body hands from iteration to iteration: each lies in two buffers in
/// turn, so that the body reads one and writes the other.
struct CarriedValues {
  private struct Item {
    let type: TensorType
    var write: Storage
    /// What the body wrote before, and reads now; nil while it reads the caller's.
    var spare: Storage?
    /// Input and output of the body.
    let input: Int
    let output: Int
  }
  /// Those that the body changes, and the others by their place.
  private var changing: [Item] = []
  private var values: [Value?]
  private var places: [Int] = []
  private let body: any BoundGraph
  private let evaluation: Evaluation

  /// Nil where the body does not give each value the type it has.
  init?(
    _ values: [Value?], in body: any BoundGraph, firstInput: Int, firstOutput: Int,
    _ e: Evaluation
  ) throws(EngineError) {
    self.values = values
    self.body = body
    evaluation = e
    for (k, v) in values.enumerated() {
      guard case .tensor(let t)? = v, body.outputTypes[firstOutput + k] == t.type else {
        return nil
      }
    }
    for (k, v) in values.enumerated() {
      guard case .tensor(let t)? = v else { continue }
      body.bindInput(firstInput + k, t.storage.bytes)
      if body.source(ofOutput: firstOutput + k) == firstInput + k {
        body.bindOutput(firstOutput + k, nil)
        continue
      }
      let item = Item(
        type: t.type, write: try e.allocate(t.type), spare: nil, input: firstInput + k,
        output: firstOutput + k)
      body.bindOutput(item.output, item.write.bytes)
      changing.append(item)
      places.append(k)
    }
  }

  /// Makes what the body wrote what it reads next: once between two runs.
  mutating func advance() throws(EngineError) {
    for i in changing.indices {
      let written = changing[i].write
      if let spare = changing[i].spare {
        changing[i].write = spare
      } else {
        changing[i].write = try evaluation.allocate(changing[i].type)
      }
      changing[i].spare = written
      body.bindInput(changing[i].input, written.bytes)
      body.bindOutput(changing[i].output, changing[i].write.bytes)
    }
  }

  /// The values as the last run left them.
  var written: [Value?] {
    var list = values
    for (item, place) in zip(changing, places) { list[place] = .tensor(Tensor(item.write)) }
    return list
  }
}
