import Tensors

/// The Python objects that pickles of weights name, and what each stands for here. Nothing is
/// imported.
enum PickleGlobal {
  case orderedDict
  case rebuildTensor
  case rebuildParameter
  case storage(DType)
  /// `torch.Size`, `torch.device` and element types: kept as things without meaning.
  case opaque

  private static let storages: [String: DType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    "ComplexFloatStorage": .complex64, "ComplexDoubleStorage": .complex128,
  ]
  private static let types: Set<String> = [
    "Size", "device", "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16",
    "int8", "uint8", "bool", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "uint16",
    "uint32", "uint64",
  ]

  /// Errors: `.unsupported` for any other, by its name.
  init(module: String, name: String) throws(EngineError) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDict
    case ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"):
      self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch", let name):
      if let dtype = Self.storages[name] {
        self = .storage(dtype)
      } else if Self.types.contains(name) {
        self = .opaque
      } else {
        throw Self.refused(module, name)
      }
    default: throw Self.refused(module, name)
    }
  }

  private static func refused(_ module: String, _ name: String) -> EngineError {
    EngineError(
      .unsupported, "the pickle names the Python object '\(module).\(name)'",
      expected: "tensors in dictionaries and lists, and nothing that would have to be imported",
      hint: "save model.state_dict() alone, or export the model with torch.export.save")
  }

  /// The items that `OrderedDict` is called with.
  ///
  /// Errors: `.malformed` for arguments that do not fit.
  func fill(_ dict: PickleDict, from arguments: [PickleValue]) throws(EngineError) {
    guard case .list(let pairs)? = arguments.first else { return }
    for pair in pairs.items {
      guard case .tuple(let two) = pair, two.items.count == 2 else {
        throw Self.unfit("OrderedDict")
      }
      dict.items.append((two.items[0], two.items[1]))
    }
  }

  /// What a call of it stands for, other than `OrderedDict`.
  ///
  /// Errors: `.malformed` for arguments that do not fit.
  func called(with arguments: [PickleValue]) throws(EngineError) -> PickleValue {
    switch self {
    case .orderedDict: throw Self.unfit("OrderedDict")
    case .rebuildTensor:
      guard arguments.count >= 4, case .storage(let storage) = arguments[0],
        let offset = arguments[1].asInt, let sizes = arguments[2].asInts,
        let strides = arguments[3].asInts, sizes.count == strides.count, offset >= 0,
        sizes.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 })
      else { throw Self.unfit("_rebuild_tensor_v2") }
      return .tensor(
        PickleTensor(storage: storage, offset: offset, sizes: sizes, strides: strides))
    case .rebuildParameter:
      guard case .tensor(let tensor)? = arguments.first else {
        throw Self.unfit("_rebuild_parameter")
      }
      return .tensor(tensor)
    case .storage: throw Self.unfit("a storage type")
    case .opaque: return .opaque
    }
  }

  private static func unfit(_ name: String) -> EngineError {
    EngineError(.malformed, "the pickle is wrong: the arguments of \(name) do not fit")
  }
}
