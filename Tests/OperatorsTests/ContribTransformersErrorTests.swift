import Graphs
import Operators
import TestSupport
import Tensors
import Testing

/// Wrong uses of com.microsoft's transformer operators are refused, each with its own code.
@Suite struct ContribTransformersErrorTests {
  struct Wrong: Sendable, CustomStringConvertible {
    let description: String
    let type: String
    let attributes: [Attribute]
    let inputs: [TensorType?]
    let code: EngineError.Code
    var integers: [Int64] = []
    var outputs = 1

    init(
      _ description: String, _ type: String, _ attributes: [Attribute], _ inputs: [TensorType?],
      _ code: EngineError.Code, integers: [Int64] = [], outputs: Int = 1
    ) {
      self.description = description
      self.type = type
      self.attributes = attributes
      self.inputs = inputs
      self.code = code
      self.integers = integers
      self.outputs = outputs
    }
  }

  static func f(_ dims: Int...) -> TensorType { TensorType(.float32, Shape(dims)) }
  static func i(_ dims: Int...) -> TensorType { TensorType(.int32, Shape(dims)) }
  static let heads: [Attribute] = [.int("num_heads", 2)]
  static let grouped: [Attribute] = [.int("num_heads", 2), .int("kv_num_heads", 1)]
  static let skip = "SkipLayerNormalization"

  static let attention: [Wrong] = [
    Wrong("no heads", "Attention", [], [f(1, 2, 4), f(4, 12)], .attribute),
    Wrong(
      "heads below 1", "Attention", [.int("num_heads", 0)], [f(1, 2, 4), f(4, 12)], .attribute),
    Wrong("heads that do not divide", "Attention", heads, [f(1, 2, 4), f(4, 9)], .shape),
    Wrong("rows of weights", "Attention", heads, [f(1, 2, 4), f(5, 12)], .shape),
    Wrong("a short bias", "Attention", heads, [f(1, 2, 4), f(4, 12), f(11)], .shape),
    Wrong("a mask", "Attention", heads, [f(1, 2, 4), f(4, 12), nil, i(1, 3)], .shape),
    Wrong(
      "a past", "Attention", heads, [f(1, 2, 4), f(4, 12), nil, nil, f(2, 1, 3, 1, 2)], .shape),
    Wrong(
      "rotary", "Attention", heads + [.int("do_rotary", 1)], [f(1, 2, 4), f(4, 12)], .unsupported),
    Wrong(
      "sizes", "Attention", heads + [.ints("qkv_hidden_sizes", [4, 4])], [f(1, 2, 4), f(4, 12)],
      .attribute),
    Wrong("forms", "MultiHeadAttention", heads, [f(1, 2, 4), f(1, 2, 4), nil], .shape),
    Wrong(
      "half a past", "MultiHeadAttention", heads,
      [f(1, 2, 4), f(1, 2, 4), f(1, 2, 4), nil, nil, nil, f(1, 2, 1, 2)], .arity),
    Wrong(
      "a bias of scores", "MultiHeadAttention", heads,
      [f(1, 2, 4), f(1, 3, 4), f(1, 3, 4), nil, nil, f(1, 2, 2, 2)], .shape),
    Wrong(
      "two tokens", "DecoderMaskedMultiHeadAttention", heads, [f(1, 2, 4), f(1, 2, 4), f(1, 2, 4)],
      .shape),
    Wrong(
      "key heads", "GroupQueryAttention", [.int("num_heads", 3), .int("kv_num_heads", 2)],
      [f(1, 1, 6), f(1, 1, 4), f(1, 1, 4), nil, nil, i(1), i()], .attribute),
    Wrong(
      "rotary without caches", "GroupQueryAttention", grouped + [.int("do_rotary", 1)],
      [f(1, 1, 8), nil, nil, nil, nil, i(1), i()], .arity),
    Wrong(
      "a length beyond the total", "GroupQueryAttention", grouped,
      [f(1, 1, 8), nil, nil, nil, nil, i(1), i()], .value, integers: [3, 1]),
    Wrong(
      "a negative length", "GroupQueryAttention", grouped,
      [f(1, 1, 8), nil, nil, nil, nil, i(1), i()], .value, integers: [-5, 1]),
    Wrong(
      "a quantised cache", "GroupQueryAttention", grouped + [.int("kv_cache_bit_width", 8)],
      [f(1, 1, 8), nil, nil, nil, nil, i(1), i()], .unsupported),
  ]

  static let others: [Wrong] = [
    Wrong("a skip of another size", skip, [], [f(2, 3, 4), f(2, 3, 5), f(4)], .shape),
    Wrong("a short gamma", skip, [], [f(2, 3, 4), f(2, 3, 4), f(3)], .shape),
    Wrong("epsilon", skip, [.float("epsilon", -1)], [f(2, 4), f(2, 4), f(4)], .attribute),
    Wrong("a bias of another size", "BiasGelu", [], [f(2, 3), f(4)], .shape),
    Wrong(
      "a word beyond the table", "EmbedLayerNormalization", [],
      [i(1, 2), nil, f(3, 4), f(2, 4), nil, f(4), f(4)], .value, integers: [1, 3]),
    Wrong(
      "too few positions", "EmbedLayerNormalization", [],
      [i(1, 2), nil, f(3, 4), f(1, 4), nil, f(4), f(4)], .shape),
    Wrong(
      "a position beyond the caches", "RotaryEmbedding", [],
      [f(1, 2, 8), TensorType(.int64, [1]), f(3, 2), f(3, 2)], .value, integers: [2]),
    Wrong(
      "caches that differ", "RotaryEmbedding", [],
      [f(1, 2, 8), TensorType(.int64, [1]), f(3, 2), f(2, 2)], .shape),
    Wrong(
      "groups", "GroupNorm", [.int("groups", 3), .int("activation", 0)],
      [f(1, 2, 2, 4), f(4), f(4)], .shape),
    Wrong(
      "more experts than there are", "MoE", [.int("k", 3)],
      [f(1, 4), f(1, 2), f(2, 3, 4), nil, f(2, 4, 3)], .shape),
    Wrong(
      "a token without a score", "NGramRepeatBlock", [.int("ngram_size", 1)],
      [TensorType(.int64, [1, 1]), f(1, 3)], .value, integers: [3]),
  ]

  @Test(arguments: attention + others) func isRefused(_ w: Wrong) throws {
    let error = try #require(throws: EngineError.self) {
      var next = w.integers.makeIterator()
      var inputs: [Tensor?] = []
      for type in w.inputs {
        guard let type else {
          inputs.append(nil)
          continue
        }
        switch type.dtype {
        case .float32:
          inputs.append(try Tensor(shape: type.shape, (0..<type.count).map { Float($0) }))
        case .int32:
          inputs.append(
            try Tensor(shape: type.shape, (0..<type.count).map { _ in Int32(next.next() ?? 1) }))
        default:
          inputs.append(
            try Tensor(shape: type.shape, (0..<type.count).map { _ in next.next() ?? 1 }))
        }
      }
      var v = Vector(name: "", type: w.type, domain: "com.microsoft", opset: 1)
      v.attributes = w.attributes
      v.inputs = inputs
      v.outputs = (0..<w.outputs).map { _ in inputs[0] }
      _ = try v.run()
    }
    #expect(error.code == w.code, "\(error)")
  }
}
