import Tensors

/// Whether two values are the same to the last bit: kinds, dtypes, shapes and contents.
func haveSameBits(_ a: Value?, _ b: Value?) -> Bool {
  switch (a, b) {
  case (nil, nil): true
  case (.tensor(let a)?, .tensor(let b)?): haveSameBits(a, b)
  case (.sequence(let a)?, .sequence(let b)?):
    a.count == b.count && zip(a, b).allSatisfy { haveSameBits($0, $1) }
  case (.optional(let a)?, .optional(let b)?): haveSameBits(a, b)
  case (.map(let a)?, .map(let b)?):
    haveSameBits(a.keys, b.keys) && haveSameBits(a.values, b.values)
  default: false
  }
}

private func haveSameBits(_ a: Tensor, _ b: Tensor) -> Bool {
  guard a.type == b.type else { return false }
  return a.dtype == .string
    ? a.strings.elementsEqual(b.strings) : a.rawBytes.elementsEqual(b.rawBytes)
}
