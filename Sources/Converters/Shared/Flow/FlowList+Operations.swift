import Graphs
import Tensors

extension FlowList {
  /// All elements along a new first axis.
  ///
  /// Errors: `.unsupported` where nobody wrote them yet and their sizes are not known.
  func stacked(_ b: ConversionBuilder) throws(EngineError) -> ValueID {
    switch state {
    case .stacked(let id): return id
    case .reserved(let count):
      guard let element, element.allSatisfy({ $0 >= 0 }) else {
        throw EngineError(.unsupported, "a list is read before it is written")
      }
      let sizes = try b.concat([try b.reshape(count, [1]), try b.ints(element)], axis: 0)
      return try b.onnx("Expand", [try b.number(0, dtype), sizes])
    case .scanning, .written:
      throw EngineError(.unsupported, "a loop reads the list that it writes")
    }
  }

  /// The number of elements, int64 scalar.
  func count(_ b: ConversionBuilder) throws(EngineError) -> ValueID {
    switch state {
    case .stacked(let id): return try b.squeeze(try b.size(id, 0), [0])
    case .reserved(let count): return count
    case .scanning, .written:
      throw EngineError(.unsupported, "a loop asks for the length of the list that it writes")
    }
  }

  /// The list with element `index` (nil: one more at the end) set to `value`.
  func setting(
    _ index: ValueID?, _ value: ValueID, _ b: ConversionBuilder
  ) throws(EngineError) -> FlowList {
    var result = self
    switch state {
    case .scanning(let slot):
      result.state = .written(slot: slot, value: value, index: index)
    case .written:
      throw EngineError(.unsupported, "a loop writes its list twice in an iteration")
    case .stacked(let id):
      result.state = .stacked(try written(id, index, value, b))
    case .reserved(let count):
      if index == nil, b.knownInts(count) == [0] {
        result.state = .stacked(try b.unsqueeze(value, [0]))
      } else {
        let sizes = try b.concat([try b.reshape(count, [1]), try b.shape(value)], axis: 0)
        let zeros = try b.onnx("Expand", [try b.number(0, like: value), sizes])
        result.state = .stacked(try written(zeros, index, value, b))
      }
    }
    return result
  }

  private func written(
    _ all: ValueID, _ index: ValueID?, _ value: ValueID, _ b: ConversionBuilder
  ) throws(EngineError) -> ValueID {
    let row = try b.unsqueeze(value, [0])
    guard let index else { return try b.concat([all, row], axis: 0) }
    let place = try b.reshape(try b.cast(index, .int64), [1, 1])
    return try b.onnx("ScatterND", [all, place, row])
  }
}
