import Graphs
import Operators
import Tensors

/// One node while it is converted: its inputs as values, its attributes, the graph that grows.
struct TFCall {
  let node: TFNode
  let inputs: [FlowValue]
  let scope: TFScope

  var b: ConversionBuilder { scope.session.builder }
  var a: TFAttributes { node.attributes }
  var session: TFSession { scope.session }

  func has(_ i: Int) -> Bool { i < inputs.count }

  /// Input `i`, a tensor. A list counts as its stacked elements.
  ///
  /// Errors: `.invalidModel` where it is missing or no tensor.
  func tensor(_ i: Int) throws(EngineError) -> ValueID {
    guard i < inputs.count else {
      throw EngineError(.invalidModel, "input \(i) is missing")
    }
    switch inputs[i] {
    case .tensor(let id): return id
    case .variable(let name): return try session.variable(name)
    default: break
    }
    throw EngineError(.invalidModel, "input \(i) is no tensor")
  }

  /// All inputs from `first` on, tensors.
  func tensors(from first: Int = 0, dropLast: Int = 0) throws(EngineError) -> [ValueID] {
    var list: [ValueID] = []
    for i in first..<max(first, inputs.count - dropLast) { list.append(try tensor(i)) }
    return list
  }

  func list(_ i: Int) throws(EngineError) -> FlowList {
    guard i < inputs.count, case .list(let list) = inputs[i] else {
      throw EngineError(.unsupported, "input \(i) is a list that is not followed")
    }
    return list
  }

  /// The integers of input `i`, which must be known before the run.
  ///
  /// Errors: `.unsupported` where they depend on data.
  func ints(_ i: Int) throws(EngineError) -> [Int] {
    let id = try tensor(i)
    guard let ints = b.knownInts(id) else {
      throw EngineError(
        .unsupported, "input \(i) must be constant", received: "a value that depends on data")
    }
    return ints
  }

  /// One integer that must be known before the run.
  func int(_ i: Int) throws(EngineError) -> Int {
    guard let first = try ints(i).first else {
      throw EngineError(.invalidModel, "input \(i) is empty")
    }
    return first
  }

  /// The only element of input `i` as a number, which must be known before the run.
  func double(_ i: Int) throws(EngineError) -> Double {
    guard let t = b.known(try tensor(i)), let first = try NumberTensor.doubles(t).first else {
      throw EngineError(.unsupported, "input \(i) must be constant")
    }
    return first
  }

  /// The rank of input `i`.
  func rank(_ i: Int) throws(EngineError) -> Int { try b.rank(try tensor(i)) }

  /// An axis of a tensor of `rank` axes, from 0.
  ///
  /// Errors: `.invalidModel` where it is out of range.
  func axis(_ axis: Int, rank: Int) throws(EngineError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw EngineError(
        .invalidModel, "an axis is out of range", expected: "\(-rank) to \(rank - 1)",
        received: "\(axis)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Whether the channels stand second: `data_format` NCHW, NCDHW or NCW.
  func isChannelsFirst() throws(EngineError) -> Bool {
    let format = try a.string("data_format", "NHWC")
    guard ["NHWC", "NDHWC", "NWC", "NCHW", "NCDHW", "NCW", ""].contains(format) else {
      throw EngineError(.unsupported, "data format '\(format)' is not read")
    }
    return format.hasPrefix("NC")
  }

  /// Tells the user something, once.
  func note(_ text: String) { session.note(text) }
}
