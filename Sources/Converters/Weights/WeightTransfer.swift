import Graphs
import Operators
import Tensors

/// Puts tensors of a file onto the weights of a model, by name.
public enum WeightTransfer {
  /// What came of it.
  public struct Report: Sendable {
    /// In the model's order.
    public var matched: [(weight: String, tensor: String, isTransposed: Bool)] = []
    /// Weights of the model that the file does not have.
    public var missing: [String] = []
    /// Tensors of the file that nothing takes.
    public var leftOver: [String] = []
    /// Square matrices whose orientation only a convention tells.
    public var assumed: [String] = []

    /// As lines for people.
    public var lines: [String] {
      let turned = matched.count { $0.isTransposed }
      var lines = ["\(matched.count) weights put on, \(turned) of them transposed"]
      func add(_ list: [String], _ what: String) {
        guard !list.isEmpty else { return }
        let rest = list.count > 8 ? " and \(list.count - 8) more" : ""
        lines.append("\(list.count) \(what): \(list.prefix(8).joined(separator: ", "))\(rest)")
      }
      add(missing, "weights of the model are not in the file")
      add(leftOver, "tensors of the file were left over")
      add(assumed, "square matrices were taken to be [out, in], as PyTorch keeps them")
      return lines
    }
  }

  /// Replaces the weights of `model` by those of `tensors` whose names match (`WeightNames`).
  ///
  /// A weight is a named initializer of floating point with axes. Matrices that stand the other way
  /// round are transposed (`WeightOrientation`); floats of another width are converted.
  ///
  /// - `isPartial`: whether weights may be missing.
  /// - `isTorch`: whether the file is PyTorch's own, whose dense layers are `[out, in]`.
  /// - Errors: `.shape` listing every tensor that does not fit; `.usage` listing what is missing
  ///   or fits several ways. The model is then as it was.
  public static func apply(
    _ tensors: [(name: String, value: Tensor)], to model: inout ModelGraph, isPartial: Bool = false,
    isTorch: Bool = true
  ) throws(EngineError) -> Report {
    var places: [String: Int] = [:]
    var order: [String] = []
    for (i, (id, tensor)) in model.graph.initializers.enumerated() {
      let name = model.graph.values[id.index].name
      guard !name.isEmpty, tensor.dtype.isFloat, tensor.shape.rank > 0, places[name] == nil else {
        continue
      }
      places[name] = i
      order.append(name)
    }
    var values: [String: Tensor] = [:]
    for (name, value) in tensors { values[name] = value }
    let names = WeightNames(model: order, file: tensors.map(\.name))
    var orientation = WeightOrientation(model, isTorch: isTorch)
    for name in order {
      guard let match = names.matches[name], let file = values[match], let place = places[name]
      else { continue }
      orientation.learn(
        name, model: model.graph.initializers[place].tensor.shape, file: file.shape)
    }
    var report = Report()
    var made: [(place: Int, tensor: Tensor)] = []
    var unfit: [String] = []
    for name in order {
      guard let place = places[name] else { continue }
      guard let match = names.matches[name], let file = values[match] else {
        report.missing.append(name)
        continue
      }
      let old = model.graph.initializers[place].tensor
      let isTurned = orientation.isReversed(name, model: old.shape, file: file.shape)
      guard isTurned || old.shape == file.shape, file.dtype.isFloat else {
        unfit.append("'\(name)' is \(old.type), '\(match)' in the file \(file.type)")
        continue
      }
      var tensor = file
      if isTurned { tensor = try Eager().apply(Transpose(perm: [1, 0]), tensor) }
      if tensor.dtype != old.dtype { tensor = try Eager().apply(Cast(to: old.dtype), tensor) }
      made.append((place, tensor))
      report.matched.append((name, match, isTurned))
      if orientation.isGuessed(name, old.shape) { report.assumed.append(name) }
    }
    let used = Set(report.matched.map(\.tensor))
    report.leftOver = tensors.map(\.name).filter { !used.contains($0) }
    guard unfit.isEmpty else {
      throw EngineError(
        .shape, "weights do not fit the model: " + listed(unfit),
        hint: "nothing was put on; the file belongs to another model")
    }
    guard !report.matched.isEmpty else {
      throw EngineError(
        .usage, "no name of the file is one of the model's",
        expected: listed(order), received: listed(tensors.map(\.name)))
    }
    if !isPartial, !report.missing.isEmpty {
      let several =
        names.ambiguous.isEmpty
        ? "" : "; several fit " + listed(names.ambiguous.keys.sorted())
      throw EngineError(
        .usage, "the file lacks weights of the model: " + listed(report.missing) + several,
        hint: "--partial keeps the model's own where the file has none")
    }
    for (place, tensor) in made {
      model.graph.initializers[place].tensor = tensor
      let id = model.graph.initializers[place].id
      model.graph.values[id.index].fact = Fact(constant: tensor)
    }
    return report
  }

  private static func listed(_ list: [String]) -> String {
    let rest = list.count > 8 ? " and \(list.count - 8) more" : ""
    return list.prefix(8).joined(separator: ", ") + rest
  }
}
