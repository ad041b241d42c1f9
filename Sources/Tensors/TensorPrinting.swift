extension Tensor {
  /// The contents as nested brackets in aligned columns, for every dtype.
  ///
  /// Tensors of more than `maxElements` elements show the first and last few of each axis, with
  /// `...` between. Lines are at most `width` columns where elements allow it.
  public func preview(maxElements: Int = 1000, width: Int = 100) -> String {
    if count == 0 { return shape.rank <= 1 ? "[]" : "[] with shape \(shape)" }
    if shape.rank == 0 { return elementText(0) }
    let printer = TensorPrinter(self, maxElements: max(maxElements, 1), width: width)
    return printer.text(axis: 0, offset: 0)
  }

  /// The first elements in row-major order on one line: `[0.5, 1.0, 2.0, ...]`; a scalar stands
  /// without brackets.
  public func summary(maxElements: Int = 6) -> String {
    if shape.rank == 0 { return elementText(0) }
    let shown = (0..<min(count, max(maxElements, 0))).map { elementText($0) }
    return "[" + (shown + (count > shown.count ? ["..."] : [])).joined(separator: ", ") + "]"
  }
}

extension Value {
  /// The contents in brackets; containers with an element a line.
  public func preview(maxElements: Int = 1000) -> String {
    switch self {
    case .tensor(let t): return t.preview(maxElements: maxElements)
    case .sequence(let list):
      let lines = list.prefix(maxElements).map { $0.preview(maxElements: maxElements) }
      let rest = list.count > lines.count ? ["... \(list.count) in all"] : []
      return "sequence of \(list.count)" + (lines + rest).map { "\n- " + $0 }.joined()
    case .optional(let value?): return value.preview(maxElements: maxElements)
    case .optional(nil): return "none"
    case .map(let map):
      return "map from \(map.keys.preview(maxElements: maxElements))\nto "
        + map.values.preview(maxElements: maxElements)
    }
  }
}

private struct TensorPrinter {
  let tensor: Tensor
  let strides: [Int]
  /// Elements shown at either end of an axis; nil shows all.
  let edge: Int?
  private(set) var columnWidth = 0
  let lineWidth: Int

  init(_ tensor: Tensor, maxElements: Int, width: Int) {
    self.tensor = tensor
    strides = tensor.shape.strides
    lineWidth = width
    let sizes = tensor.shape.array
    if tensor.count <= maxElements {
      edge = nil
    } else {
      // The widest edge whose corners stay within the limit; one at least.
      edge = (1...3).last { e in
        var shown = 1
        for d in sizes { shown *= min(d, 2 * e) }
        return e == 1 || shown <= maxElements
      }
    }
    columnWidth = widestElement(axis: 0, offset: 0)
  }

  /// The places shown along an axis; nil stands for the gap.
  private func places(_ axis: Int) -> [Int?] {
    let n = tensor.shape[axis]
    guard let edge, n > 2 * edge else { return (0..<n).map { $0 } }
    return (0..<edge).map { $0 } + [nil] + (n - edge..<n).map { $0 }
  }

  private func widestElement(axis: Int, offset: Int) -> Int {
    var widest = 0
    for case let i? in places(axis) {
      let place = offset + i * strides[axis]
      let n =
        axis == strides.count - 1
        ? tensor.elementText(place).count : widestElement(axis: axis + 1, offset: place)
      widest = max(widest, n)
    }
    return widest
  }

  func text(axis: Int, offset: Int) -> String {
    let isLast = axis == strides.count - 1
    let indent = String(repeating: " ", count: axis + 1)
    var result = "["
    var column = axis + 1
    for (k, place) in places(axis).enumerated() {
      var piece = "..."
      if let i = place {
        let at = offset + i * strides[axis]
        if isLast {
          piece = tensor.elementText(at)
          // Numbers end where those above them end.
          piece = String(repeating: " ", count: max(columnWidth - piece.count, 0)) + piece
        } else {
          piece = text(axis: axis + 1, offset: at)
        }
      }
      if k > 0 {
        result += ","
        if !isLast {
          // Blank lines between blocks of matrices, as many as axes lie inside.
          result += String(repeating: "\n", count: max(strides.count - axis - 1, 1)) + indent
        } else if column + piece.count + 2 > lineWidth {
          result += "\n" + indent
          column = axis + 1
        } else {
          result += " "
          column += 1
        }
      }
      result += piece
      column += piece.count + 1
    }
    return result + "]"
  }
}
