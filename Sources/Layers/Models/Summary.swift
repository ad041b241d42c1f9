import Tensors
import Training

extension Network {
  /// A table of the layers with the shapes of their outputs and their parameters, and below it the
  /// totals: parameters, trainable ones, bytes, and what one sample's activations take.
  ///
  /// Shapes are those the model was built for; `?` before it is built.
  public func summary() -> String {
    var rows = [["layer", "output", "parameters"]]
    var activations = 0
    add(self, 0, &rows, &activations)
    var text = aligned(rows)
    let all = parameters.map(\.value)
    let count = all.reduce(0) { $0 + $1.count }
    let free = trainableParameters.reduce(0) { $0 + $1.value.count }
    let bytes = (all + states.map(\.value)).reduce(0) { $0 + $1.byteCount }
    text += "parameters: \(count)"
    if free < count { text += ", \(free) trainable" }
    text += "; weights: \(bytesText(bytes)); activations of a sample: \(bytesText(activations))\n"
    return text
  }

  private func add(
    _ layer: Layer, _ depth: Int, _ rows: inout [[String]], _ activations: inout Int
  ) {
    for child in children(of: layer) {
      let shapes = child.preparedShapes ?? []
      let label = child.path.split(separator: ".").last.map(String.init) ?? child.name ?? ""
      let own = child.parameters.reduce(0) { $0 + $1.value.count }
      rows.append([
        "\(String(repeating: "  ", count: depth))\(label): \(type(of: child))",
        shapes.isEmpty ? "?" : shapes.map { "\($0)" }.joined(separator: ", "), "\(own)",
      ])
      if child is Network {
        add(child, depth + 1, &rows, &activations)
      } else {
        for shape in shapes {
          activations += (shape.elementsPerSample ?? 0) * child.dtype.byteSize
        }
      }
    }
  }

  /// The layers right below one.
  func children(of layer: Layer) -> [Layer] {
    switch layer {
    case let s as Sequential: return s.layers
    case let g as GraphModel: return g.layers
    default:
      let depth = layer.path.isEmpty ? 0 : layer.path.split(separator: ".").count
      let prefix = layer.path.isEmpty ? "" : layer.path + "."
      return modules.compactMap { path, module in
        guard path.hasPrefix(prefix), !path.isEmpty, let child = module as? Layer else {
          return nil
        }
        let parts = path.split(separator: ".")
        // Lists of layers have a name before the number.
        let isBelow =
          parts.count == depth + 1 || parts.count == depth + 2 && Int(parts[depth + 1]) != nil
        return isBelow && child !== layer ? child : nil
      }
    }
  }
}

/// Columns two spaces apart, the last one to the right; a line below the first row.
private func aligned(_ rows: [[String]]) -> String {
  let columns = rows.first?.count ?? 0
  let widths = (0..<columns).map { c in rows.map { $0[c].count }.max() ?? 0 }
  var text = ""
  for (i, row) in rows.enumerated() {
    var line = ""
    for (c, cell) in row.enumerated() {
      let gap = String(repeating: " ", count: widths[c] - cell.count)
      line += c == columns - 1 ? gap + cell : cell + gap + "  "
    }
    text += line + "\n"
    if i == 0 { text += String(repeating: "-", count: line.count) + "\n" }
  }
  return text
}

/// Bytes with the unit that fits.
func bytesText(_ n: Int) -> String {
  var (size, unit) = (Double(n), 0)
  let units = ["B", "KiB", "MiB", "GiB"]
  while size >= 1024, unit < units.count - 1 {
    size /= 1024
    unit += 1
  }
  let rounded = (size * 10).rounded() / 10
  return "\(text(rounded)) \(units[unit])"
}
