import Formats
import Graphs
import Tensors

/// A tensor on its way through the layers, with the mask that Keras carries beside it.
struct KerasTensor {
  var id: ValueID
  /// Booleans `[batch, time]`: whether a time step counts. Nil: all do.
  var mask: ValueID?

  init(_ id: ValueID, mask: ValueID? = nil) {
    self.id = id
    self.mask = mask
  }
}

/// What layers are called with and give: tensors, lists and dictionaries of them, plain values.
indirect enum KerasValue {
  case tensor(KerasTensor)
  case list([KerasValue])
  case dict([(key: String, value: KerasValue)])
  case plain(JSONValue)

  static func id(_ id: ValueID) -> KerasValue { .tensor(KerasTensor(id)) }

  var tensor: KerasTensor? { if case .tensor(let t) = self { t } else { nil } }

  /// All tensors within, in order; a dictionary's by key, as Keras flattens them.
  var tensors: [KerasTensor] {
    switch self {
    case .tensor(let t): [t]
    case .list(let items): items.flatMap(\.tensors)
    case .dict(let members): members.sorted { $0.key < $1.key }.flatMap(\.value.tensors)
    case .plain: []
    }
  }

  /// The plain value, a list of plain values as an array; nil where a tensor is within.
  var plain: JSONValue? {
    switch self {
    case .plain(let value): return value
    case .list(let items):
      var values: [JSONValue] = []
      for item in items {
        guard let value = item.plain else { return nil }
        values.append(value)
      }
      return .array(values)
    case .tensor, .dict: return nil
    }
  }

  var isNull: Bool { if case .plain(.null) = self { true } else { false } }
}
