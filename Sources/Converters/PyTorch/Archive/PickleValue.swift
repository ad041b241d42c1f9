import Tensors

/// What a pickle holds. Containers are references, as in Python: the memo may give one of them to
/// several places.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case text(String)
  /// So many bytes, which nothing here reads.
  case bytes(Int)
  case tuple(PickleList)
  case list(PickleList)
  case dict(PickleDict)
  case global(PickleGlobal)
  case storage(PickleStorage)
  case tensor(PickleTensor)
  /// An object without meaning for weights: a device, a size, an element type.
  case opaque

  var asText: String? { if case .text(let text) = self { text } else { nil } }
  var asInt: Int? { if case .int(let n) = self { n } else { nil } }

  /// Whole numbers of a tuple; nil where it holds anything else.
  var asInts: [Int]? {
    guard case .tuple(let items) = self else { return nil }
    var list: [Int] = []
    for item in items.items {
      guard let n = item.asInt else { return nil }
      list.append(n)
    }
    return list
  }
}

/// A list, a set or a tuple.
final class PickleList {
  var items: [PickleValue]
  init(_ items: [PickleValue]) { self.items = items }
}

/// A dictionary in the order of its items.
final class PickleDict {
  var items: [(key: PickleValue, value: PickleValue)] = []
}

/// A run of elements that tensors are views of: a record of the archive.
struct PickleStorage {
  var dtype: DType
  /// The name of the record below `data/`.
  var key: String
  /// Elements.
  var count: Int

  /// From `('storage', type, key, location, elements)`.
  ///
  /// Errors: `.malformed`.
  init(_ id: PickleValue) throws(EngineError) {
    guard case .tuple(let tuple) = id, case let parts = tuple.items, parts.count == 5,
      parts[0].asText == "storage",
      case .global(.storage(let dtype)) = parts[1], let key = parts[2].asText,
      let count = parts[4].asInt, count >= 0
    else {
      throw EngineError(
        .malformed, "the pickle is wrong: a persistent object is no storage of a tensor")
    }
    self.dtype = dtype
    self.key = key
    self.count = count
  }
}

/// A view of a storage.
struct PickleTensor {
  var storage: PickleStorage
  /// In elements, as are strides.
  var offset: Int
  var sizes: [Int]
  var strides: [Int]
}
